"""Hides secrets in commands and text before they are written anywhere; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["HIDDEN", "mask_argv", "mask_assignments", "mask_urls"]

HIDDEN = "***"
_NAME = r"[\w.\-]*(?:token|password|passwd|secret|credential|api[_-]?key)[\w\-]*"
# registries.corp.token="…", --password=…, API_KEY=…; a value runs to its quote's end or to white space
_ASSIGNED = re.compile(rf"(?i)(?P<name>{_NAME})(?P<sign>\s*=\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"']+)")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]{0,20}://)[^/\s]+@")
_FLAG = re.compile(rf"(?i)-{{1,2}}{_NAME}")
_OWN_PASSWORD = re.compile(r"-[qvf]*p(?P<value>.*)", re.DOTALL)  # of publish and upload; flags may stand together
_CONTAINER_TOOLS = {"docker", "podman", "nerdctl"}


def mask_urls(text: str) -> str:
    """Return ``text`` with the user part of URLs hidden.

    >>> mask_urls("from https://me:pw@example.org/x")
    'from https://***@example.org/x'
    """
    return _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text) if "@" in text else text


def mask_assignments(text: str) -> str:
    """Return ``text``, a command or a setting, with the values of tokens and passwords hidden too.

    Not for a compiler's words: they speak of tokens that are no secret.

    >>> mask_assignments('registries.corp.token = "abc"')
    'registries.corp.token = ***'
    """
    masked = mask_urls(text)
    return _ASSIGNED.sub(rf"\g<name>\g<sign>{HIDDEN}", masked) if "=" in masked else masked


def mask_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command with secrets hidden: values of tokens and passwords, and a container's variables.

    >>> mask_argv(["cargo", "publish", "--token", "abc"])
    ('cargo', 'publish', '--token', '***')
    """
    program = re.split(r"[\\/]", argv[0])[-1].removesuffix(".exe") if argv else ""
    in_container = program in _CONTAINER_TOOLS
    if program == "wheelmatrix":
        return _mask_own(argv)
    masked: list[str] = []
    for index, argument in enumerate(argv):
        before = argv[index - 1] if index else ""
        if before.startswith("-") and _FLAG.fullmatch(before) and not argument.startswith("-"):
            masked.append(HIDDEN)
        elif in_container and before in {"-e", "--env"} and "=" in argument:
            masked.append(f"{argument.partition('=')[0]}={HIDDEN}")
        elif in_container and argument.startswith("--env=") and argument.count("=") > 1:
            masked.append(f"{argument[: argument.index('=', 6)]}={HIDDEN}")
        else:
            masked.append(mask_assignments(argument))
    return tuple(masked)


def _mask_own(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command line of our own: what follows ``-p`` is a password, whatever it looks like."""
    masked: list[str] = []
    end = argv.index("--") if "--" in argv else len(argv)
    for index, argument in enumerate(argv):
        before = argv[index - 1] if index else ""
        flag = _OWN_PASSWORD.fullmatch(argument) if index < end else None
        name, sign, _ = argument.partition("=")
        if index < end and (_FLAG.fullmatch(before) or _ends_in_p(before)):
            masked.append(HIDDEN)
        elif flag is not None and flag["value"]:
            masked.append(f"{argument[: flag.start('value')]}{HIDDEN}")
        elif sign and _FLAG.fullmatch(name):
            masked.append(f"{name}={HIDDEN}")
        else:
            masked.append(mask_assignments(argument))
    return tuple(masked)


def _ends_in_p(word: str) -> bool:
    flag = _OWN_PASSWORD.fullmatch(word)
    return flag is not None and not flag["value"]
