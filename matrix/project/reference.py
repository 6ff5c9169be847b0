"""The reference tables of the configuration keys, in Markdown, made from the types that read them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from matrix.project.durations import Seconds
from matrix.project.maturin_options import STANDING, MaturinOptions
from matrix.project.options import (
    Changes,
    DockerOptions,
    DriverOptions,
    Include,
    Options,
    Override,
    Select,
    XwinOptions,
)

__all__ = ["maturin_keys", "wheelmatrix_keys"]

_SECTIONS: tuple[tuple[type, str], ...] = (
    (Select, "Patterns, in rows of `exclude` and in `select`; what is not named matches everything:"),
    (Include, "Rows of `include`:"),
    (Override, "Rows of `overrides`:"),
    (Changes, "What both kinds of row change; what is not named stays as it is:"),
    (DriverOptions, "`[tool.wheelmatrix.drivers.NAME]`:"),
    (XwinOptions, "`[tool.wheelmatrix.xwin]`:"),
    (DockerOptions, "`[tool.wheelmatrix.docker]`:"),
)


def wheelmatrix_keys() -> str:
    """Return the keys of ``[tool.wheelmatrix]`` as Markdown tables."""
    changes = {name for name, _ in _properties(Changes)}
    parts = [_table(Options)]
    for struct, title in _SECTIONS:
        parts.append(f"{title}\n\n{_table(struct, leave_out=changes if struct in {Include, Override} else ())}")
    return "\n\n".join(parts)


def maturin_keys() -> str:
    """Return the keys of ``[tool.maturin]`` and what each does here, as a Markdown table."""
    lines = ["| key | what it does here | compared with maturin |", "|---|---|---|"]
    for name, node in _properties(MaturinOptions):
        lines.append(f"| `{name}` | {_cell(node['description'])} | {_cell(STANDING.get(name, 'same'))} |")
    return "\n".join(lines)


def _table(struct: type, leave_out: Collection[str] = ()) -> str:
    lines = ["| key | meaning | example |", "|---|---|---|"]
    for name, node in _properties(struct):
        if name not in leave_out:
            examples = node.get("examples", [])
            shown = f"`{name} = {_toml(examples[0])}`" if examples else ""
            lines.append(f"| `{name}` | {_cell(node['description'])} | {_cell(shown)} |")
    return "\n".join(lines)


def _properties(struct: type) -> Iterator[tuple[str, dict[str, Any]]]:
    _, parts = msgspec.json.schema_components([struct], schema_hook=_hook)
    yield from parts[struct.__name__]["properties"].items()


def _hook(type_: type) -> dict[str, Any]:
    if type_ is Seconds:
        return {"type": "string"}
    raise NotImplementedError(type_)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else json.dumps(key)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
