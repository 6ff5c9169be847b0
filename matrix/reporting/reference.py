"""Reference tables in Markdown, made from what declares the options, and put between markers in a page; pure.

A page holds ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``; what stands between them is generated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["commands_reference", "flags_compared", "markdown_table", "stale_blocks", "update_between_markers"]

_HIDDEN_FLAGS = {"-h", "--help"}


def update_between_markers(text: str, name: str, body: str) -> str:
    """Return ``text`` with ``body`` between the markers of block ``name``.

    Raises:
        ValueError: The markers are missing, doubled or in the wrong order.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the page needs {begin!r} and {end!r}, once each and in this order")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{body.strip()}\n\n{end}{after}"


def stale_blocks(text: str, blocks: Mapping[str, str]) -> list[str]:
    """Return the names of the blocks in ``text`` that differ from what they should hold."""
    return [name for name, body in blocks.items() if update_between_markers(text, name, body) != text]


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; line feeds and bars inside cells are made harmless."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([_cell(cell) for cell in row]) for row in rows)]
    return "\n".join(lines)


def commands_reference(parser: argparse.ArgumentParser) -> str:
    """Return the options of every command, a heading for each command and a table for each group of options."""
    parts = []
    for name, command in _commands(parser):
        parts.append(f"#### `{command.prog}`")
        if command.description:
            parts.append(command.description)
        for group in command._action_groups:  # noqa: SLF001 - argparse hands them out nowhere else
            rows = [_option_row(action) for action in group._group_actions if _shown(action)]  # noqa: SLF001
            if not rows:
                continue
            title = group.title or ""
            words = f"{title[:1].upper()}{title[1:]}" + (f": {group.description}" if group.description else "")
            if name and title not in {"options", "optional arguments"}:
                parts.append(f"**{words}**")
            parts.append(markdown_table(["Option", "What it does"], rows))
    return "\n\n".join(parts)


def flags_compared(command: argparse.ArgumentParser, remarks: Mapping[str, str]) -> str:
    """Return a table that says of each flag of another tool what a command of ours makes of it.

    Args:
        command: The parser of our command.
        remarks: What to say of each flag of the other tool; nothing where both do the same.

    Raises:
        LookupError: Our command has no such flag, though nothing says so.
    """
    known = {name: action for action in command._actions for name in action.option_strings}  # noqa: SLF001 - see below
    rows = []
    for flag, remark in remarks.items():
        action = known.get(flag)
        if action is None and flag.startswith("-") and " " not in flag and not remark.startswith("not yet"):
            raise LookupError(f"{command.prog} has no {flag}")
        names = sorted(action.option_strings, key=len) if action is not None else [flag]
        short = [name for name in names if len(name) == 2 and name != flag]
        rows.append([", ".join(f"`{name}`" for name in [*short, flag]), remark or "same"])
    return markdown_table(["Flag of `maturin build`", "Here"], rows)


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield "", parser
    for action in parser._actions:  # noqa: SLF001 - see above
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            seen = set()
            for name, command in action.choices.items():
                if id(command) not in seen:  # an alias is the same parser again
                    seen.add(id(command))
                    yield name, command


def _shown(action: argparse.Action) -> bool:
    return (
        action.help != argparse.SUPPRESS
        and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        and not _HIDDEN_FLAGS & {*action.option_strings}
    )


def _option_row(action: argparse.Action) -> list[str]:
    value = "" if action.nargs == 0 else _value(action)
    names = ", ".join(f"`{name}`" for name in action.option_strings) if action.option_strings else ""
    shown = f"{names} `{value}`" if names and value else names or f"`{value}`"
    return [shown, (action.help or "").replace("%%", "%")]


def _value(action: argparse.Action) -> str:
    if action.metavar is not None:
        word = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
    elif action.choices is not None:
        word = "|".join(map(str, action.choices))
    else:
        word = action.dest.upper()
    match action.nargs:
        case "*" | "+":
            return f"{word}..."
        case "?":
            return f"[{word}]"
        case _:
            return word


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
