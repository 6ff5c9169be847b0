"""The command line, parsed; what cannot be obeyed is a usage error that names the word."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from matrix import __version__
from matrix.errors import UsageError, did_you_mean
from matrix.flags import COMMANDS
from matrix.wheel_flags import ABSENT

__all__ = ["make_parser", "parse", "subparser"]

_PROG = "wheelmatrix"


_MISSING = "the following arguments are required: "  # argparse's words


class _Parser(argparse.ArgumentParser):
    """Raises our own error instead of printing and leaving."""

    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help lists what there is"
        if "invalid choice" in message and message.startswith("argument command"):
            word = message.split("'")[1]
            raise UsageError(f"unknown command {word!r}", hint=did_you_mean(word, COMMANDS) or hint)
        if message.startswith(_MISSING):
            raise UsageError(f"{self.prog.rpartition(' ')[2]} needs {message.removeprefix(_MISSING)}", hint=hint)
        raise UsageError(message.replace("argument ", "", 1), hint=hint)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=110)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; what follows ``--`` becomes ``rustc_args``.

    Raises:
        UsageError: It cannot be obeyed.
    """
    words = list(argv)
    rustc: list[str] = []
    if "--" in words:
        cut = words.index("--")
        words, rustc = words[:cut], words[cut + 1 :]
    parser = make_parser(next((word for word in words if not word.startswith("-")), ""))
    options, extra = parser.parse_known_args(words)
    if options.command is None:
        raise UsageError("no command given", hint=f"{_PROG} build, or {_PROG} --help for the others")
    if extra:
        _refuse(extra[0], options.command, subparser(parser, options.command))
    if rustc and options.command not in {"build", "develop", "publish", "plan", "doctor"}:
        raise UsageError(f"{options.command} takes no rustc arguments (after --)")
    options.rustc_args = rustc
    options.unpacked = None  # the tree to build from, when it is not the project itself
    options.editable = False  # whether the wheel points to the project's own Python code
    options.interpreter_origin = "-i"  # who named the interpreter, for messages
    options.talks = False  # whether cargo's own lines are told without -v
    options.default_profile = None  # what a front end builds when nothing names a profile
    return options


def subparser(parser: argparse.ArgumentParser, command: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to it
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            found: argparse.ArgumentParser = action.choices[command]
            return found
    raise LookupError(command)


def _refuse(word: str, command: str, parser: argparse.ArgumentParser) -> NoReturn:
    if not word.startswith("-"):
        raise UsageError(
            f"{command} takes no argument {word!r}", hint=f"a flag before it? {_PROG} {command} --help lists them"
        )
    name = word.split("=", maxsplit=1)[0]
    near = did_you_mean(name, parser._option_string_actions)  # noqa: SLF001 - the flags are kept nowhere else
    raise UsageError(f"unknown option {name!r}", hint=near or f"{_PROG} {command} --help lists what there is")


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser.

    Args:
        command: The only command whose flags are wanted, as all of them take a while; ``None`` for every command.
    """
    parser = _Parser(
        prog=_PROG,
        formatter_class=_Formatter,
        description="Builds, audits and collects every wheel of a Rust-backed Python project.",
        epilog="exit codes: 0 all built, 1 some cell failed, 2 wrong usage or configuration, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"{_PROG} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", parser_class=_Parser)
    for name, (help_, fill) in COMMANDS.items():
        aliases = ["list-python"] if name == "interpreters" else []
        sub = commands.add_parser(
            name,
            aliases=aliases,
            help=help_,
            description=help_[0].upper() + help_[1:] + ".",
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        if command is None or command in {name, *aliases}:
            fill(sub)
        sub.set_defaults(command=name, **ABSENT)
    return parser
