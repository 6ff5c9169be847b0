"""Uploads wheels and source distributions to an index, with twine as the library: all checked first, each sent once."""

from __future__ import annotations

from matrix.publishing.files import find_files
from matrix.publishing.publisher import Publisher, building_options, refused
from matrix.publishing.secrets import withheld

__all__ = ["Publisher", "building_options", "find_files", "refused", "withheld"]
