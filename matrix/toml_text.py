"""Words of TOML, as ``cargo --config`` reads them."""

from __future__ import annotations

import msgspec

__all__ = ["toml_string"]


def toml_string(text: str) -> str:
    """Return a basic string of TOML 1.0: JSON's escapes, but no surrogate pairs, and DEL may not stand bare."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
