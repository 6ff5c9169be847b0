"""JSON Schemas from the types that read or write a document."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["json_schema"]


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
