"""Gives the libraries that a Mach-O file needs other install names, and signs every slice anew.

Load commands are written anew in the room that the linker left behind them; nothing else of the file moves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from matrix.archives import join_slices
from matrix.auditing.macho import FAT_MAGICS, read_macho
from matrix.errors import ToolError
from matrix.repairing.nouns import MachChange
from matrix.repairing.signature import signed

__all__ = ["Names", "rename_libraries", "rewrite_macho", "split_slices"]

_MAGIC = b"\xcf\xfa\xed\xfe"  # 64 bits, little-endian: every architecture that macOS runs on today
_HEADER = 32
_SEGMENT, _IDENTITY, _RPATH = 0x19, 0xD, 0x8000001C
_LOADS = frozenset({0xC, 0x80000018, 0x8000001F, 0x80000023, 0x20})  # plain, weak, re-exported, upward, lazy
_KEPT_PATHS = ("@loader_path", "@executable_path", "/usr/lib", "/System/")
_NAME_AT = 24  # where names of libraries stand in their command


class Names(NamedTuple):
    """What a file is to be called, and what it is to call others.

    Attributes:
        identity: Its own install name; ``None`` leaves it as it is.
        libraries: New install names by the old ones.
    """

    identity: str | None
    libraries: Mapping[str, str]


def rewrite_macho(change: MachChange, file: Path) -> None:
    """Rewrite a file in place, which must be a copy, and check the result.

    Raises:
        ToolError: There is no room for the names, or the result is not what was asked for.
        WheelmatrixError: A slice is of a kind that macOS runs no more.
        OSError: It cannot be written.
    """
    name = change.after.file
    own = change.after.slices[0].install_name
    names = Names(own if own != change.before.slices[0].install_name else None, dict(change.replaced))
    data = file.read_bytes()
    slices = [signed(rename_libraries(name, one, names), name.rpartition("/")[2]) for one in split_slices(name, data)]
    if len(slices) == 1 and not data.startswith(FAT_MAGICS):
        file.write_bytes(slices[0])
    else:
        parts = [file.with_name(f"{file.name}.{number}") for number in range(len(slices))]
        for part, content in zip(parts, slices, strict=True):
            part.write_bytes(content)
        join_slices(parts, file)
        for part in parts:
            part.unlink()
    now = read_macho(name, file.read_bytes())
    if sorted(now.slices, key=repr) != sorted(change.after.slices, key=repr):
        raise ToolError(f"{name}: its load commands cannot be rewritten: {now} is not {change.after}"[:600])


def split_slices(name: str, data: bytes) -> list[bytes]:
    """Return the thin files in a file, which was audited, so that its headers are sound.

    Raises:
        ToolError: A slice has 32 bits.
    """
    found = [data]
    if data.startswith(FAT_MAGICS):
        wide = data.startswith(FAT_MAGICS[1])
        (count,) = struct.unpack_from(">4xI", data)
        shape = struct.Struct(">8x2Q8x" if wide else ">8x2I4x")
        extents = (shape.unpack_from(data, 8 + shape.size * index) for index in range(count))
        found = [data[start : start + size] for start, size in extents]
    if not all(one.startswith(_MAGIC) for one in found):
        raise ToolError(f"{name}: only slices of 64 bits can be rewritten")
    return found


def rename_libraries(name: str, data: bytes, names: Names) -> bytes:
    """Return a thin file whose load commands call libraries by other names, without paths of the machine that built it.

    Args:
        name: The file, for messages.
        data: All its bytes.
        names: The names.

    Raises:
        ToolError: The linker left no room for them.
    """
    commands = [_renamed(kind, command, names) for kind, command in _commands(data)]
    kept = [command for command in commands if command]
    size, room = sum(map(len, kept)), _first_content(data) - _HEADER
    if size > room:
        raise ToolError(
            f"{name}: its header has {room} bytes for load commands, and {size} are needed",
            hint="link it with -Wl,-headerpad_max_install_names (cargo:rustc-link-arg), or statically",
        )
    (old,) = struct.unpack_from("<20xI", data)
    image = bytearray(data)
    image[_HEADER : _HEADER + size] = b"".join(kept)
    image[_HEADER + size : _HEADER + max(old, size)] = bytes(max(old - size, 0))
    struct.pack_into("<2I", image, 16, len(kept), size)
    return bytes(image)


def _commands(data: bytes) -> Iterator[tuple[int, bytes]]:
    (count,) = struct.unpack_from("<16xI", data)
    at = _HEADER
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", data, at)
        yield kind, data[at : at + size]
        at += size


def _renamed(kind: int, command: bytes, names: Names) -> bytes:
    """Return a load command with its new name; nothing for a search path that means nothing elsewhere."""
    if kind == _RPATH:
        return command if _string(command).startswith(_KEPT_PATHS) else b""
    if kind == _IDENTITY and names.identity is not None:
        return _named(command, names.identity)
    if kind in _LOADS and _string(command) in names.libraries:
        return _named(command, names.libraries[_string(command)])
    return command


def _string(command: bytes) -> str:
    (offset,) = struct.unpack_from("<8xI", command)
    return command[offset:].split(b"\0")[0].decode("utf-8", "backslashreplace")


def _named(command: bytes, name: str) -> bytes:
    text = name.encode() + b"\0"
    text += bytes(-len(text) % 8)
    return command[:4] + struct.pack("<2I", _NAME_AT + len(text), _NAME_AT) + command[12:_NAME_AT] + text


def _first_content(data: bytes) -> int:
    """Return where the first section's content begins in the file: load commands end before it."""
    starts = [len(data)]
    for kind, command in _commands(data):
        if kind != _SEGMENT:
            continue
        offset, size, count = struct.unpack_from("<40x2Q8xI", command)
        starts += [offset] if offset and size else []
        for index in range(count):
            content, address = struct.unpack_from("<40xQI", command, 72 + 80 * index)
            starts += [address] if address and content else []
    return min(starts)
