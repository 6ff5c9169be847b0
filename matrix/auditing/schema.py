"""The JSON Schema of what ``wheelmatrix audit --json`` prints, generated from the types that write it.

``python -m matrix.auditing.schema`` writes it anew beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matrix.auditing.outcome import Audits
from matrix.schemas import json_schema, schema_text

__all__ = ["SCHEMA_FILE", "render_schema", "schema"]

SCHEMA_FILE = Path(__file__).with_name("audit.schema.json")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return json_schema(Audits, "wheelmatrix audit, version 1")


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return schema_text(schema())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(render_schema(), encoding="utf-8")
