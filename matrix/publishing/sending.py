"""Sends files one after another, says how each one fared, and stops at the first that is refused."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import time
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import WheelmatrixError
from matrix.publishing.files import Parcel
from matrix.publishing.held import Held, held
from matrix.publishing.index import Index, guarded
from matrix.reporting.formats import size

__all__ = ["Sent", "send"]

_SECONDS = (30, 900)  # to connect, and for the index to think about what it got
_WORDS = 300  # characters of an answer
_REFUSED = {401, 403}
_HINTS = {
    401: "check the name and the password or token",
    403: "check the name and the password or token, and whether they may upload to this project",
    404: "is this the address that takes uploads?",
    405: "is this the address that takes uploads?",
    413: "the index takes no file of this size",
}


class Sent(msgspec.Struct):
    """What came of an upload.

    Attributes:
        uploaded: Files that the index took.
        existing: Files that were there already.
        missing: Files that are not there: the one that failed and those after it.
        error: Why it stopped, or ``None``.
        pages: Web pages of what was uploaded.
    """

    uploaded: list[Parcel] = msgspec.field(default_factory=list)
    existing: list[Parcel] = msgspec.field(default_factory=list)
    missing: list[Parcel] = msgspec.field(default_factory=list)
    error: WheelmatrixError | None = None
    pages: tuple[str, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The files that the index took."""
        return [parcel.path for parcel in self.uploaded]

    @property
    def exit_code(self) -> int:
        """0 when all is there, or what the error means."""
        return 0 if self.error is None else 1


def send(
    index: Index, repository: Any, parcels: Sequence[Parcel], *, skip_existing: bool, note: Callable[[str], None]
) -> Sent:
    """Upload files that were checked; a failure is a value here.

    Args:
        index: Where to.
        repository: It, logged in.
        parcels: The files, in order.
        skip_existing: Whether a file that is there already is passed over.
        note: Gets one line for each file.
    """
    repository.session.post = functools.partial(repository.session.post, timeout=_SECONDS)
    sent = Sent()
    for number, parcel in enumerate(parcels, 1):
        began = time.monotonic()
        try:
            with guarded(index.secrets, index.url), contextlib.redirect_stdout(io.StringIO()):
                fresh = _send_one(index, repository, parcel, skip_existing=skip_existing)
        except WheelmatrixError as error:
            sent.error, sent.missing = error, list(parcels[number - 1 :])
            break
        (sent.uploaded if fresh else sent.existing).append(parcel)
        how = f"{size(parcel.size)} in {time.monotonic() - began:.1f} s" if fresh else "there already"
        note(f"{'uploaded' if fresh else 'skipped'} {parcel.path.name} ({number}/{len(parcels)}, {how})")
    sent.pages = tuple(sorted(repository.release_urls([parcel.package for parcel in sent.uploaded])))
    return sent


def _send_one(index: Index, repository: Any, parcel: Parcel, *, skip_existing: bool) -> bool:
    """Upload a file; return whether the index took it, or had it already.

    Raises:
        WheelmatrixError: It did not take it.
    """
    from twine.commands.upload import skip_upload  # noqa: PLC0415 - only uploads need it

    if skip_existing:
        there = held(index, repository, parcel)
        if there in {"same", "other"}:
            return _existing(parcel, there, skip_existing=True)
    answer = repository.upload(parcel.package)
    if answer.is_redirect:
        where = index.secrets.hide(str(answer.headers.get("location")))
        raise WheelmatrixError(f"{index.url} sends uploads on to {where}", hint="name that address if you trust it")
    if skip_upload(answer, True, parcel.package):
        return _existing(parcel, held(index, repository, parcel), skip_existing=skip_existing)
    if not answer.ok:
        raise _refusal(index, parcel, answer)
    return True


def _existing(parcel: Parcel, there: Held, *, skip_existing: bool) -> bool:
    """Return ``False``: the file was there already.

    Raises:
        WheelmatrixError: It has other content, or nobody said that existing files are fine.
    """
    if there == "other":
        raise WheelmatrixError(
            f"{parcel.path.name} is on the index already, with other content",
            hint="a file that was uploaded cannot be replaced: raise the version",
        )
    if not skip_existing:
        same = ", with the same content" if there == "same" else ""
        raise WheelmatrixError(f"{parcel.path.name} is on the index already{same}", hint="--skip-existing goes on")
    return False


def _refusal(index: Index, parcel: Parcel, answer: Any) -> WheelmatrixError:
    code = int(answer.status_code)
    said = f"{code} {answer.reason}"
    words = unescape(re.sub(r"(?s)<(style|script|head)\b.*?</\1>|<[^>]*>", " ", answer.text or ""))
    words = " ".join(words.split())[:_WORDS]
    if words and answer.reason not in words and code not in _REFUSED:
        said = f"{said}: {words}"
    what = "refused the name or the password" if code in _REFUSED else f"refused {parcel.path.name}"
    return WheelmatrixError(index.secrets.hide(f"{index.url} {what}: {said}"), hint=_HINTS.get(code))
