"""Reference tables in Markdown, made from what declares the options, and put between markers in a page; pure.

A page holds ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``; what stands between them is generated.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["commands_reference", "markdown_table", "settings_reference", "stale_blocks", "update_between_markers"]

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


def settings_reference(schema: Mapping[str, Any], *, table: str) -> str:
    """Return the keys of a table of pyproject.toml: one Markdown table for it and one for each table inside.

    Args:
        schema: Its JSON Schema, every key with a description.
        table: Its name: ``tool.wheelmatrix``.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    top = _resolved(schema, definitions)
    sections = [_section(f"`[{table}]`", top, definitions)]
    sections += [_section(title, inner, definitions) for title, inner in _inner_tables(top, definitions, table)]
    return "\n\n".join(sections)


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


def _section(title: str, node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    rows = []
    for key, value in node.get("properties", {}).items():
        rows.append([f"`{key}`", _type(value, definitions), _default(value), _description(value, definitions)])
    return f"{title}\n\n{markdown_table(['Key', 'Type', 'Default', 'What it does'], rows)}"


def _inner_tables(
    node: Mapping[str, Any], definitions: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Walk to every table below ``node``; each comes with the title that says how it is written."""
    for key, value in node.get("properties", {}).items():
        inner, title = _table_in(value, definitions, f"{path}.{key}")
        if inner is not None:
            yield title, inner
            yield from _inner_tables(inner, definitions, f"{path}.{key}")


def _table_in(
    value: Mapping[str, Any], definitions: Mapping[str, Any], path: str
) -> tuple[Mapping[str, Any] | None, str]:
    if "items" in value:
        inner, title = _resolved(value["items"], definitions), f"`[[{path}]]`"
    elif isinstance(value.get("additionalProperties"), Mapping):
        inner, title = _resolved(value["additionalProperties"], definitions), f"`[{path}.NAME]`"
    else:
        inner, title = _resolved(value, definitions), f"`[{path}]`"
    return (inner, title) if "properties" in inner else (None, "")


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    found: Mapping[str, Any] = definitions[name] if name else node
    return found


def _type(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_type(one, definitions) for one in node["anyOf"]))
    if "enum" in node:
        return " or ".join(f"`{json.dumps(one)}`" for one in node["enum"])
    node = _resolved(node, definitions)
    kind, inner = ("array", node.get("items")) if "items" in node else ("table", node.get("additionalProperties"))
    if isinstance(inner, Mapping):
        return f"{kind} of {_plural(_type(inner, definitions))}"
    name = str(node.get("type", "any"))
    return "table" if name == "object" else name


def _plural(words: str) -> str:
    kinds = words.split(" or ")
    return " or ".join(kind if " " in kind or "`" in kind else f"{kind}s" for kind in kinds)


def _default(node: Mapping[str, Any]) -> str:
    value = node.get("default")
    if value is None or value in ([], {}) or isinstance(value, dict):
        return ""
    return f"`{json.dumps(value)}`"


def _description(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    words = node.get("description") or _resolved(node, definitions).get("description", "")
    shown = [f"`{_toml(one)}`" for one in node.get("examples", [])]
    return f"{words.replace('``', '`')} E.g. {', '.join(shown)}" if shown else words.replace("``", "`")


def _toml(value: Any) -> str:
    """Write an example as TOML would."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
