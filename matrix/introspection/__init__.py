"""Type stubs of PyO3 modules, from what PyO3's feature ``experimental-inspect`` lays into the binary.

The binary is read, never loaded, so that stubs of every platform can be made on any.
"""

from __future__ import annotations

from matrix.introspection.stubs import stub_files

__all__ = ["stub_files"]
