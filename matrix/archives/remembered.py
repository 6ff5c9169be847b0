"""Core metadata that was rendered and checked before: the library for it takes longer to load than cargo to answer."""

from __future__ import annotations

import hashlib
import importlib.util
from contextlib import suppress
from pathlib import Path

import msgspec

from matrix import __version__
from matrix.files import write_atomically

__all__ = ["Memory", "Rendered", "key_of"]

JUDGES = ("pyproject_metadata", "packaging")


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What the library made of a project's fields.

    Attributes:
        key: Digest of everything it was made from.
        name: The distribution's name.
        version: Normalised (PEP 440).
        text: METADATA.
    """

    key: str
    name: str
    version: str
    text: str


class Memory:
    """The metadata of the last run, in a file; what cannot be read or written is made anew each time."""

    def __init__(self, path: Path) -> None:
        """Use a file, which need not be there."""
        self._path = path
        self._new: Rendered | None = None

    def recall(self, key: str) -> Rendered | None:
        """Return what was made from the same things."""
        try:
            known = msgspec.json.decode(self._path.read_bytes(), type=Rendered)
        except (OSError, msgspec.MsgspecError):
            return None
        return known if known.key == key else None

    def keep(self, rendered: Rendered) -> None:
        """Have it written by :meth:`write`."""
        self._new = rendered

    def write(self) -> None:
        """Write down what is new."""
        if self._new is not None:
            with suppress(OSError):
                write_atomically(self._path, msgspec.json.encode(self._new))


def key_of(*parts: object) -> str:
    """Return a digest of plain values, of this program, and of the libraries that judge them."""
    digest = hashlib.sha256(__version__.encode())
    for name in JUDGES:
        spec = importlib.util.find_spec(name)
        with suppress(OSError, TypeError):
            known = Path(str(spec.origin if spec is not None else "")).stat()
            digest.update(f"\0{known.st_size} {known.st_mtime_ns}".encode())
    digest.update(msgspec.json.encode(parts, enc_hook=str, order="deterministic"))
    return digest.hexdigest()
