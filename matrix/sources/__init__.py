"""Makes source distributions: which files, manifests rewritten to fit, and the archive itself (PEP 517, PEP 625)."""

from __future__ import annotations

from matrix.sources.archive import sdist_time, write_sdist
from matrix.sources.checks import check_sources
from matrix.sources.collect import Sources, collect_sources
from matrix.sources.unpacked import unpack_into

__all__ = ["Sources", "check_sources", "collect_sources", "sdist_time", "unpack_into", "write_sdist"]
