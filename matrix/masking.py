"""Hides secrets in commands and text before they are written anywhere; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["mask_argv", "mask_assignments", "mask_urls"]

_HIDDEN = "***"
_NAME = r"[\w.\-]*(?:token|password|passwd|secret|credential|api[_-]?key)[\w\-]*"
# registries.corp.token="…", --password=…, API_KEY=…; a value runs to its quote's end or to white space
_ASSIGNED = re.compile(rf"(?i)(?P<name>{_NAME})(?P<sign>\s*=\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"']+)")
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]{0,20}://)[^/\s]+@")
_FLAG = re.compile(rf"(?i)-{{1,2}}{_NAME}")
_CONTAINER_TOOLS = {"docker", "podman", "nerdctl"}


def mask_urls(text: str) -> str:
    """Return ``text`` with the user part of URLs hidden.

    >>> mask_urls("from https://me:pw@example.org/x")
    'from https://***@example.org/x'
    """
    return _USERINFO.sub(rf"\g<scheme>{_HIDDEN}@", text)


def mask_assignments(text: str) -> str:
    """Return ``text``, a command or a setting, with the values of tokens and passwords hidden too.

    Not for a compiler's words: they speak of tokens that are no secret.

    >>> mask_assignments('registries.corp.token = "abc"')
    'registries.corp.token = ***'
    """
    return _ASSIGNED.sub(rf"\g<name>\g<sign>{_HIDDEN}", mask_urls(text))


def mask_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command with secrets hidden: values of tokens and passwords, and a container's variables.

    >>> mask_argv(["cargo", "publish", "--token", "abc"])
    ('cargo', 'publish', '--token', '***')
    """
    in_container = bool(argv) and re.split(r"[\\/]", argv[0])[-1].removesuffix(".exe") in _CONTAINER_TOOLS
    masked: list[str] = []
    for index, argument in enumerate(argv):
        before = argv[index - 1] if index else ""
        if _FLAG.fullmatch(before) and not argument.startswith("-"):
            masked.append(_HIDDEN)
        elif in_container and before in {"-e", "--env"} and "=" in argument:
            masked.append(f"{argument.partition('=')[0]}={_HIDDEN}")
        elif in_container and argument.startswith("--env=") and argument.count("=") > 1:
            masked.append(f"{argument[: argument.index('=', 6)]}={_HIDDEN}")
        else:
            masked.append(mask_assignments(argument))
    return tuple(masked)
