"""What must never be shown: passwords and tokens, however they came in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from urllib.parse import quote, quote_plus, unquote

from matrix.masking import HIDDEN, mask_urls

__all__ = ["Secrets", "withheld"]

_SHORTEST = 4  # shorter ones stand in every other word; nobody could read what is left
_USERINFO = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*://(?P<user>[^/@:]*)(?::(?P<password>.*))?@", re.DOTALL)
_NAMES = re.compile(
    r"(?:MATURIN|TWINE)_(?:PASSWORD|PYPI_TOKEN|REPOSITORY_URL)"
    r"|ACTIONS_ID_TOKEN_REQUEST_\w+|\w*PYPI_ID_TOKEN|CIRCLE_OIDC_TOKEN\w*"
)


class Secrets:
    """Remembers secrets and hides them in text, in every form in which they travel."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def learn(self, secret: str | None, *, user: str = "") -> None:
        """Remember a password or token, also as URLs and HTTP headers write it."""
        if not secret or len(secret) < _SHORTEST:
            return
        pair = base64.b64encode(f"{user}:{secret}".encode()).decode()
        escaped = secret.encode("unicode_escape").decode()  # as repr() has it
        self._forms |= {
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            unquote(secret),
            escaped,
            pair,
        }

    def learn_url(self, url: str | None) -> None:
        """Remember what stands before the host of a URL: the password, or a name that stands alone."""
        match = _USERINFO.match(url or "")
        if match is None:
            return
        secret = match["password"] if match["password"] is not None else match["user"]
        for part in (secret, *re.split(r"[/?#@:]", secret)):  # of a URL that others cut at the wrong place
            self.learn(part)
            self.learn(unquote(part), user=unquote(match["user"]))

    def hide(self, text: str) -> str:
        """Return ``text`` without any secret."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return mask_urls(text)


@contextmanager
def withheld(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Take what opens the index out of the environment, so that no build script sees it; put it back at the end."""
    taken = {name: environ.pop(name) for name in list(environ) if _NAMES.fullmatch(name)}
    try:
        yield
    finally:
        environ.update(taken)
