"""Where an upload goes and as whom, from flags and the environment; pure."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from matrix.errors import UsageError

__all__ = ["Destination", "destination_of"]

TOKEN_USER = "__token__"  # noqa: S105 - the name that stands for a token, no secret
_NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, kw_only=True)
class Destination:
    """What flags and environment say of an index; what they leave open, twine finds in ``.pypirc`` or a keyring.

    Attributes:
        repository: Section of ``.pypirc``.
        url: Address that takes uploads, or ``None`` for that of the section.
        username: Who uploads, or ``None``.
        password: Password or token, or ``None``.
        interactive: Whether questions may be asked.
        skip_existing: Whether files that are there already are passed over.
        certificates: Bundle of certificate authorities, or ``None``.
    """

    repository: str = "pypi"
    url: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    interactive: bool = True
    skip_existing: bool = False
    certificates: str | None = None


def destination_of(options: argparse.Namespace, environ: Mapping[str, str]) -> Destination:
    """Return where to upload to: a flag first, then maturin's variable, then twine's.

    A repository that is named by a flag wins over an address from the environment; of two flags the address does.

    Raises:
        UsageError: A flag is empty.
    """
    for flag in ("repository", "repository_url"):
        if getattr(options, flag) == "":
            raise UsageError(f"--{flag.replace('_', '-')} is empty")
    url = options.repository_url
    if url is None and options.repository is None:
        url = _either(environ, "REPOSITORY_URL")
    username, password = _who(options, environ)
    if url is not None:
        in_url = _userinfo(url)
        username = username if username is not None else in_url[0]
        password = password if password is not None else in_url[1]
    return Destination(
        repository=options.repository or _either(environ, "REPOSITORY") or "pypi",
        url=url,
        username=username,
        password=password,
        interactive=not (options.non_interactive or _told_not_to_ask(environ)),
        skip_existing=options.skip_existing,
        certificates=environ.get("TWINE_CERT") or None,
    )


def _who(options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    token = environ.get("MATURIN_PYPI_TOKEN")
    if token and options.password is None:
        return TOKEN_USER, token
    username = options.username if options.username is not None else _either(environ, "USERNAME")
    password = options.password if options.password is not None else _either(environ, "PASSWORD")
    return username, password


def _userinfo(url: str) -> tuple[str | None, str | None]:
    """Return name and password of a URL, unescaped, which twine leaves out."""
    try:
        parts = urlsplit(url)
    except ValueError:  # twine will say why
        return None, None
    name, password = parts.username, parts.password
    return unquote(name) if name else None, unquote(password) if password else None


def _either(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(f"MATURIN_{name}") or environ.get(f"TWINE_{name}") or None


def _told_not_to_ask(environ: Mapping[str, str]) -> bool:
    names = ("MATURIN_NON_INTERACTIVE", "TWINE_NON_INTERACTIVE", "CI")
    return any(environ.get(name, "").lower() not in _NO for name in names)
