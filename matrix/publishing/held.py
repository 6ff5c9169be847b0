"""What an index holds already, by its list of a project's files (PEP 503 and PEP 691)."""

from __future__ import annotations

import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from matrix.publishing.files import Parcel
from matrix.publishing.index import Index

__all__ = ["Held", "held", "listed"]

Held: TypeAlias = Literal["same", "other", "unknown", "absent"]
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_SECONDS = (10, 60)  # to connect, and between two bytes
_CHUNK = 1 << 20


def held(index: Index, repository: Any, parcel: Parcel) -> Held:
    """Return whether the index has a file of this name, and whether with the same content.

    ``unknown`` stands for an index that does not tell.
    """
    from twine.utils import make_requests_session  # noqa: PLC0415 - only uploads need it

    here = urlsplit(index.simple).netloc == urlsplit(repository.url).netloc
    session = repository.session if here else make_requests_session()  # nobody else gets the password
    try:
        answer = session.get(
            f"{index.simple}{parcel.name}/",
            headers={"Accept": _ACCEPT, "Cache-Control": "max-age=0"},
            timeout=_SECONDS,
            allow_redirects=False,
        )
    except OSError:  # of which every error of requests is one: the upload itself will say it better
        return "unknown"
    finally:
        if session is not repository.session:
            session.close()
    if answer.status_code != 200:
        return "absent" if answer.status_code == 404 else "unknown"
    files = listed(answer.text, answer.headers.get("Content-Type", ""))
    if parcel.path.name not in files:
        return "absent"
    return _compared(parcel.path, files[parcel.path.name])


def _compared(path: Path, digests: dict[str, str]) -> Held:
    for name, digest in sorted(digests.items(), reverse=True):  # sha256 before md5
        if name in hashlib.algorithms_guaranteed and not name.startswith("shake"):
            return "same" if _digest(path, name) == digest.lower() else "other"
    return "unknown"


def _digest(path: Path, algorithm: str) -> str:
    found = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def listed(text: str, kind: str) -> dict[str, dict[str, str]]:
    """Return the digests of every file on a page of an index, by file name and then by algorithm.

    A page that cannot be read lists nothing.
    """
    if "json" in kind:
        try:
            files = json.loads(text)["files"]
            return {str(one["filename"]): {str(k): str(v) for k, v in one["hashes"].items()} for one in files}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}
    links = _Links()
    links.feed(text)
    return links.found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            return
        try:
            link = urlsplit(dict(attrs).get("href") or "")
        except ValueError:
            return
        algorithm, _, digest = link.fragment.partition("=")
        name = unquote(link.path.rpartition("/")[2])
        if name:
            self.found[name] = {algorithm: digest} if digest else {}
