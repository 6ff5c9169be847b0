"""The JSON Schema of the report, generated from the types that write it.

``python -m matrix.reporting.schema`` writes it anew beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matrix.reporting.document import Report
from matrix.schemas import json_schema, schema_text

__all__ = ["SCHEMA_FILE", "render_schema", "schema"]

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    return json_schema(Report, "wheelmatrix report, version 1")


def render_schema() -> str:
    """Return the schema as the text of its file."""
    return schema_text(schema())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(render_schema(), encoding="utf-8")
