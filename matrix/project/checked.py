"""Turns a table of pyproject.toml into a type, and says which key is at fault when it does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from matrix.errors import ConfigError
from matrix.project.durations import Seconds, parse_duration

__all__ = ["convert_table", "known_keys", "unknown_keys"]

T = TypeVar("T")


def convert_table(table: Mapping[str, Any], type_: type[T], where: str) -> T:
    """Return ``table`` as ``type_``.

    Args:
        table: The table as TOML reads it.
        type_: A msgspec Struct.
        where: File and table for error messages: ``pyproject.toml: [tool.wheelmatrix]``.

    Raises:
        ConfigError: A key is unknown (when the type forbids that) or a value does not fit.
    """
    try:
        return msgspec.convert(table, type_, dec_hook=_decode)
    except msgspec.ValidationError as error:
        from matrix.project.faults import first_fault  # noqa: PLC0415 - slow, and needed for bad input only

        fault = first_fault(type_, table)
        if fault is None:  # pragma: no cover - the walk sees all that our types can refuse
            raise ConfigError(f"{where} {error}") from error
        raise ConfigError(f"{where} {fault}", hint=fault.hint) from None


def known_keys(type_: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the keys that ``type_`` has, as they are written."""
    return type_.__struct_encode_fields__


def unknown_keys(table: Mapping[str, Any], type_: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the top-level keys of ``table`` that ``type_`` does not have."""
    yield from (key for key in table if key not in known_keys(type_))


def _decode(type_: type, value: Any) -> Any:
    if type_ is Seconds:
        return parse_duration(value)
    raise NotImplementedError(type_)  # pragma: no cover - Seconds is our only type of this kind
