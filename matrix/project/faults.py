"""Finds the key at fault in a table that does not fit its type.

msgspec says only that something is wrong, hides the keys of tables and knows no near words, so value and
type are walked together here; reached only when the conversion has already failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import inspect as types

from matrix.errors import did_you_mean
from matrix.project.durations import parse_duration

__all__ = ["Fault", "first_fault", "spoken"]

_WORDS: dict[type[types.Type], str] = {
    types.BoolType: "true or false",
    types.IntType: "a whole number",
    types.StrType: "a string",
    types.StructType: "a table",
    types.DictType: "a table",
    types.CustomType: "a duration",
}
_SHAPES: dict[type[types.Type], tuple[type, ...]] = {
    types.BoolType: (bool,),
    types.IntType: (int,),
    types.StrType: (str,),
    types.LiteralType: (str,),
    types.ListType: (list, tuple),
    types.VarTupleType: (list, tuple),
    types.StructType: (dict,),
    types.DictType: (dict,),
    types.NoneType: (),
    types.CustomType: (str, int, float),
}


class Fault(NamedTuple):
    """One thing wrong in a table.

    Attributes:
        path: Where, as people write it: ``overrides[0].select``; empty for the table itself.
        message: What is wrong there.
        hint: What to do about it, or ``None``.
    """

    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def first_fault(type_: type, table: Mapping[str, Any]) -> Fault | None:
    """Return the first thing in ``table`` that does not fit the Struct ``type_``, in reading order."""
    return next(_faults(types.type_info(type_), table, ""), None)


def _faults(info: types.Type, value: Any, path: str) -> Iterator[Fault]:
    info = _choice(info, value)
    if not _fits(info, value):
        yield _mismatch(info, value, path)
    elif isinstance(info, types.StructType):
        yield from _struct_faults(info, value, path)
    elif isinstance(info, types.DictType):
        for key, item in value.items():
            yield from _faults(info.value_type, item, _join(path, key))
    elif isinstance(info, (types.ListType, types.VarTupleType)):
        if info.min_length is not None and len(value) < info.min_length:
            yield Fault(path, "the list is empty, so it asks for nothing", "name at least one, or drop the key")
        for index, item in enumerate(value):
            yield from _faults(info.item_type, item, f"{path}[{index}]")
    else:
        yield from _value_faults(info, value, path)


def _struct_faults(info: types.StructType, value: Mapping[str, Any], path: str) -> Iterator[Fault]:
    known = {field.encode_name: field for field in info.fields}
    for key, item in value.items():
        if key in known:
            yield from _faults(known[key].type, item, _join(path, key))
        elif info.forbid_unknown_fields:
            hint = did_you_mean(key, known) or f"known keys: {', '.join(known)}"
            yield Fault(path, f"unknown key {key!r}", hint)
    for name, field in known.items():
        if field.required and name not in value:
            yield Fault(path, f"the key {name!r} is missing")


def _value_faults(info: types.Type, value: Any, path: str) -> Iterator[Fault]:
    if isinstance(info, types.IntType) and info.ge is not None and value < info.ge:
        yield Fault(path, f"{value} is less than {info.ge}")
    elif isinstance(info, types.LiteralType) and value not in info.values:
        words = [str(one) for one in info.values]
        yield Fault(path, f"{value!r} is none of {', '.join(words)}", did_you_mean(str(value), words))
    elif isinstance(info, types.CustomType):
        try:
            parse_duration(value)
        except ValueError as error:
            yield Fault(path, str(error), 'write "20m", "90s", "1h30m" or a number of seconds')


def _choice(info: types.Type, value: Any) -> types.Type:
    """Return the plain type, and of a union the first member that has the value's shape."""
    while isinstance(info, types.Metadata):
        info = info.type
    if isinstance(info, types.UnionType):
        return next((one for one in map(_plain, info.types) if _fits(one, value)), info)
    return info


def _plain(info: types.Type) -> types.Type:
    return _plain(info.type) if isinstance(info, types.Metadata) else info


def _fits(info: types.Type, value: Any) -> bool:
    if isinstance(value, bool) and not isinstance(info, types.BoolType):
        return isinstance(info, types.AnyType)
    return isinstance(value, _SHAPES.get(type(info), () if isinstance(info, types.UnionType) else (object,)))


def _mismatch(info: types.Type, value: Any, path: str) -> Fault:
    wanted = _words(info)
    hint = f'write it as a list: ["{value}"]' if "a list" in wanted and isinstance(value, str) else None
    return Fault(path, f"expected {wanted}, not {spoken(value)}", hint)


def _words(info: types.Type) -> str:
    info = _plain(info)
    if isinstance(info, types.UnionType):
        members = [one for one in info.types if not isinstance(one, types.NoneType)]
        return " or ".join(dict.fromkeys(map(_words, members)))
    if isinstance(info, types.LiteralType):
        return " or ".join(f'"{one}"' for one in info.values)
    if isinstance(info, (types.ListType, types.VarTupleType)):
        return f"a list of {_plural(_words(info.item_type))}"
    return _WORDS.get(type(info), "another value")


def _plural(words: str) -> str:
    """Return ``strings or lists of strings`` for ``a string or a list of strings``."""
    plurals = {"a string": "strings", "a table": "tables", "a list of strings": "lists of strings"}
    return " or ".join(plurals.get(one, one) for one in words.split(" or "))


def spoken(value: object) -> str:
    """Return a value of a TOML file in words: ``the string '3.12'``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the string {value!r}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "a table" if isinstance(value, dict) else str(value)


def _join(path: str, key: str) -> str:
    part = key if key.replace("-", "").replace("_", "").isalnum() else f'"{key}"'
    return f"{path}.{part}" if path else part
