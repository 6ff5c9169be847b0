"""Documents as JSON text, and JSON Schemas from the types that read or write them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["document_text", "json_schema", "schema_text"]


def json_schema(of: type, title: str, hook: Callable[[type], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a type, the same from every Python.

    Args:
        of: The document's type.
        title: What the document is.
        hook: Returns the schema of a type that msgspec does not know.
    """
    made = msgspec.json.schema(of, schema_hook=hook)
    for definition in made["$defs"].values():
        if "description" in definition:  # a docstring, which Python 3.13 hands on without its indentation
            definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **made}


def schema_text(schema: dict[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def document_text(document: msgspec.Struct) -> str:
    """Return a document as JSON, indented, with a line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
