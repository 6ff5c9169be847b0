"""One digest over all that goes into a wheel, so that a wheel can be proven to be up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from matrix import __version__
from matrix.archives.compression import EARLIEST, Compression, DosTime
from matrix.archives.entries import Entry
from matrix.archives.metadata import CoreMetadata
from matrix.archives.record import hash_file
from matrix.archives.wheel import members
from matrix.errors import WheelmatrixError

__all__ = ["inputs_digest"]


def inputs_digest(
    entries: Iterable[Entry],
    metadata: CoreMetadata,
    tags: Sequence[str],
    *,
    compression: Compression | None = None,
    modified: DosTime = EARLIEST,
) -> str:
    """Return the hexadecimal SHA-256 over every input of ``write_wheel`` and the version that writes.

    Two calls give the same digest exactly when they would write the same members in the same way; where a
    file lies on this machine, and the order of the arguments, do not count.

    Args:
        entries: As for ``write_wheel``.
        metadata: As for ``write_wheel``.
        tags: As for ``write_wheel``.
        compression: As for ``write_wheel``.
        modified: As for ``write_wheel``.

    Raises:
        ConfigError: As ``write_wheel``.
        WheelmatrixError: A source cannot be read.
    """
    chosen = compression or Compression()
    digest = hashlib.sha256()
    for item in (__version__, chosen.method, str(chosen.level), str(chosen.large_files), repr(modified)):
        _feed(digest, item.encode())
    for entry in members(entries, metadata, tags):
        _feed(digest, entry.path.encode())
        _feed(digest, b"755" if entry.executable else b"644")
        _feed(digest, _content(entry))
    return digest.hexdigest()


def _feed(digest: hashlib._Hash, item: bytes) -> None:
    digest.update(len(item).to_bytes(8, "big"))  # so that no two lists of items run together alike
    digest.update(item)


def _content(entry: Entry) -> bytes:
    if isinstance(entry.source, bytes):
        return hashlib.sha256(entry.source).digest()
    try:
        return hash_file(entry.source)[0]
    except OSError as error:
        raise WheelmatrixError(f"{entry.source}: {error.strerror}") from error
