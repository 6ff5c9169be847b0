"""The pieces of JSON that PyO3 lays into a binary (PyO3 guide, "Type stub generation"), found and typed.

Each is preceded by its length in bytes, as 32 bits in the byte order of the target. They are found by that, not by
their symbols: it is the same for every format of binaries, and holds for stripped ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "Argument", "Arguments", "Attribute", "AttributeOf", "BinOp", "Chunk", "Class", "Constant", "Expression",
    "Function", "Id", "Listing", "Module", "Name", "Subscript", "Tuple", "find_chunks",
]  # fmt: skip


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """A constant; numbers are digits in a string."""

    kind: Literal["none", "bool", "int", "float", "str", "ellipsis"]
    value: str | bool | None = None


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A builtin or, inside an attribute, a module."""

    id: str


class Id(msgspec.Struct, frozen=True, tag="id"):
    """Something that another chunk describes."""

    id: str


class AttributeOf(msgspec.Struct, frozen=True, tag="attribute"):
    """``value.attr``."""

    value: Expression
    attr: str


class BinOp(msgspec.Struct, frozen=True, tag="binop"):
    """``left | right``."""

    left: Expression
    op: Literal["bitor"]
    right: Expression


class Tuple(msgspec.Struct, frozen=True, tag="tuple"):
    """``(a, b)``."""

    elts: tuple[Expression, ...]


class Listing(msgspec.Struct, frozen=True, tag="list"):
    """``[a, b]``."""

    elts: tuple[Expression, ...]


class Subscript(msgspec.Struct, frozen=True, tag="subscript"):
    """``value[slice]``."""

    value: Expression
    slice: Expression


Expression: TypeAlias = Constant | Name | Id | AttributeOf | BinOp | Tuple | Listing | Subscript


class Argument(msgspec.Struct, frozen=True):
    """An argument of a function."""

    name: str
    default: Expression | None = None
    annotation: Expression | None = None


class Arguments(msgspec.Struct, frozen=True):
    """The arguments of a function, as Python's grammar sorts them."""

    posonlyargs: tuple[Argument, ...] = ()
    args: tuple[Argument, ...] = ()
    vararg: Argument | None = None
    kwonlyargs: tuple[Argument, ...] = ()
    kwarg: Argument | None = None


class Module(msgspec.Struct, frozen=True, tag="module"):
    """A module, with the ids of what it holds; ``incomplete`` when more is added while it is initialised."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    incomplete: bool = False
    doc: str | None = None


class Class(msgspec.Struct, frozen=True, tag="class"):
    """A class; ``parent`` is the class that it lies in."""

    id: str
    name: str
    bases: tuple[Expression, ...] = ()
    decorators: tuple[Expression, ...] = ()
    parent: str | None = None
    doc: str | None = None


class Function(msgspec.Struct, frozen=True, tag="function"):
    """A function or a method; ``parent`` is the class or module that it lies in."""

    name: str
    arguments: Arguments
    id: str | None = None
    parent: str | None = None
    decorators: tuple[Expression, ...] = ()
    returns: Expression | None = None
    is_async: bool = msgspec.field(default=False, name="async")
    doc: str | None = None


class Attribute(msgspec.Struct, frozen=True, tag="attribute"):
    """A constant of a module or a class."""

    name: str
    id: str | None = None
    parent: str | None = None
    value: Expression | None = None
    annotation: Expression | None = None
    doc: str | None = None


Chunk: TypeAlias = Module | Class | Function | Attribute

_START = re.compile(rb'\{"[a-z]+":')
_LONGEST = 1 << 24  # bytes; no description of one function or module comes near
_decoder: msgspec.json.Decoder[Chunk] = msgspec.json.Decoder(Chunk)


def find_chunks(content: bytes, *, big_endian: bool = False) -> Iterator[Chunk]:
    """Yield what a binary says of its Python side, in the order in which it lies there.

    Args:
        content: The binary.
        big_endian: The byte order of its target.
    """
    order: Literal["big", "little"] = "big" if big_endian else "little"
    for match in _START.finditer(content):
        start = match.start()
        length = int.from_bytes(content[start - 4 : start], order) if start >= 4 else 0
        if not 2 < length < _LONGEST or content[start + length - 1 : start + length] != b"}":
            continue
        try:
            yield _decoder.decode(content[start : start + length])
        except msgspec.DecodeError:  # something else that looks like one
            continue
