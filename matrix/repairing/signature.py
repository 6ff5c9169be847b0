"""Ad hoc signatures of Mach-O files, as linkers write them: a digest of every page, and no certificate.

macOS runs nothing on Apple silicon without one. Written as Apple's ld does (cs_blobs.h of XNU): one CodeDirectory with
SHA-256, marked ad hoc and linker-signed.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

from matrix.errors import ToolError

__all__ = ["signed"]

_HEADER = 32
_SEGMENT, _SIGNATURE = 0x19, 0x1D
_ARM64 = 0x0100000C
_EXECUTE = 2
_SUPER_BLOB, _DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_VERSION, _DIRECTORY_SIZE = 0x20400, 88
_AD_HOC, _LINKER_SIGNED, _MAIN = 0x2, 0x20000, 0x1
_SHA256, _DIGEST = 2, 32
_PAGE, _PAGES = 12, range(12, 17)  # as powers of two
_ALIGN = 16
_COMMAND = 16  # bytes of the command that names the signature
_HINT = "link it with -Wl,-headerpad_max_install_names (cargo:rustc-link-arg)"
_MEMORY_PAGE = 0x4000


class _Segment(NamedTuple):
    """A segment: where its command stands, and where its content begins in the file and how long it is."""

    at: int
    offset: int
    size: int


def signed(data: bytes, identifier: str) -> bytes:
    """Return a thin file of 64 bits with a new signature in place of its old one.

    One for Intel that has none gets none: macOS does not ask for it there.

    Args:
        data: All its bytes; it was audited, so its load commands are sound.
        identifier: What the signature calls it.

    Raises:
        ToolError: Its header has no room for the command that names a signature.
    """
    image = bytearray(data)
    place, segments, end = _look(image)
    cpu, kind = struct.unpack_from("<4xI4xI", image)
    if place is None:
        if cpu != _ARM64:
            return data
        place = end
        if any(image[end : end + _COMMAND]):
            raise ToolError(f"{identifier}: its header has no room for a signature", hint=_HINT)
        count, size = struct.unpack_from("<2I", image, 16)
        struct.pack_into("<2I", image, 16, count + 1, size + _COMMAND)
        struct.pack_into("<4I", image, place, _SIGNATURE, _COMMAND, len(image) + -len(image) % _ALIGN, 0)
    (start,) = struct.unpack_from("<8xI", image, place)
    page = _page(bytes(image[start : start + 20 + _DIRECTORY_SIZE]))
    del image[start:]
    image.extend(bytes(start - len(image)))
    linkedit = segments.get(b"__LINKEDIT")
    text = segments.get(b"__TEXT", _Segment(0, 0, 0))
    pages = -(-start >> page)
    name = identifier.encode() + b"\0"
    length = 20 + _DIRECTORY_SIZE + len(name) + _DIGEST * pages
    room = length + -length % _ALIGN
    struct.pack_into("<I", image, place + 12, room)
    if linkedit is not None:
        used = start + room - linkedit.offset
        struct.pack_into("<Q", image, linkedit.at + 32, used + -used % _MEMORY_PAGE)
        struct.pack_into("<Q", image, linkedit.at + 48, used)
    flags = _MAIN if kind == _EXECUTE else 0
    return bytes(image) + _blob(image, name, text, flags, page).ljust(room, b"\0")


def _look(image: bytearray) -> tuple[int | None, dict[bytes, _Segment], int]:
    """Return where the signature's command stands, the segments, and where the commands end."""
    (count,) = struct.unpack_from("<16xI", image)
    at, place = _HEADER, None
    segments: dict[bytes, _Segment] = {}
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", image, at)
        if kind == _SIGNATURE:
            place = at
        elif kind == _SEGMENT:
            offset, length = struct.unpack_from("<40x2Q", image, at)
            segments[bytes(image[at + 8 : at + 24]).rstrip(b"\0")] = _Segment(at, offset, length)
        at += size
    return place, segments, at


def _page(old: bytes) -> int:
    """Return the size of pages in the old signature, as a power of two: linkers choose 4 or 16 KiB."""
    if len(old) == 20 + _DIRECTORY_SIZE and struct.unpack_from(">I", old)[0] == _SUPER_BLOB and old[20 + 39] in _PAGES:
        return old[20 + 39]
    return _PAGE


def _blob(image: bytearray, name: bytes, text: _Segment, flags: int, page: int) -> bytes:
    """Return the signature of everything before it."""
    step = 1 << page
    digests = [hashlib.sha256(image[at : at + step]).digest() for at in range(0, len(image), step)]
    hashes = _DIRECTORY_SIZE + len(name)
    directory = struct.pack(
        ">9I4B4I4Q",
        *(_DIRECTORY, hashes + _DIGEST * len(digests), _VERSION, _AD_HOC | _LINKER_SIGNED, hashes, _DIRECTORY_SIZE),
        *(0, len(digests), len(image)),
        *(_DIGEST, _SHA256, 0, page, 0),
        *(0, 0, 0),
        *(0, text.offset, text.size, flags),
    )
    body = directory + name + b"".join(digests)
    return struct.pack(">5I", _SUPER_BLOB, 20 + len(body), 1, 0, 20) + body
