"""The JSON Schema of ``[tool.wheelmatrix]``, generated from the types that read it.

``python -m matrix.project.schema`` writes it anew beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matrix.project.durations import LIMIT, Seconds
from matrix.project.options import Options
from matrix.schemas import json_schema, schema_text

__all__ = ["SCHEMA_FILE", "render_schema", "schema"]

SCHEMA_FILE = Path(__file__).with_name("wheelmatrix.schema.json")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of ``[tool.wheelmatrix]``."""
    plain: dict[str, Any] = _without_null(json_schema(Options, "[tool.wheelmatrix] in pyproject.toml", _hook))
    return plain


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return schema_text(schema())


def _hook(type_: type) -> dict[str, Any]:
    if type_ is Seconds:
        return {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*([0-9.]+\s*[hms]?\s*)+$"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": LIMIT},
            ]
        }
    raise NotImplementedError(type_)


def _without_null(node: Any) -> Any:
    """Drop ``null`` and its default: TOML cannot write it, absence says it."""
    if isinstance(node, list):
        return [_without_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)}
    choices = kept.get("anyOf")
    if isinstance(choices, list):
        left = [one for one in choices if one != {"type": "null"}]
        if len(left) == 1:
            del kept["anyOf"]
            return {**left[0], **kept}
        kept["anyOf"] = left
    return kept


if __name__ == "__main__":
    SCHEMA_FILE.write_text(render_schema(), encoding="utf-8")
