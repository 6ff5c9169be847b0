"""Makes wheels: core metadata, what goes in beside the binary, and the archive itself.

Metadata and contents are gathered before anything compiles, so that their faults are told at once;
`write_wheel` blocks and belongs into a thread.
"""

from __future__ import annotations

from matrix.archives.compression import Compression, dos_time, source_date_epoch
from matrix.archives.contents import Contents, collect
from matrix.archives.digest import inputs_digest
from matrix.archives.entries import Entry, file_entry, merge_entries
from matrix.archives.gather import core_metadata, layout_of, wheel_contents
from matrix.archives.layout import (
    IncludeRule,
    Layout,
    cffi_init,
    extension_path,
    extension_suffix,
    library_folder,
    library_name,
    uniffi_init,
)
from matrix.archives.metadata import CoreMetadata
from matrix.archives.universal2 import join_slices
from matrix.archives.verify import is_unchanged, wheel_problems
from matrix.archives.wheel import remove_leftovers, write_wheel

__all__ = [
    "Compression",
    "Contents",
    "CoreMetadata",
    "Entry",
    "IncludeRule",
    "Layout",
    "cffi_init",
    "collect",
    "core_metadata",
    "dos_time",
    "extension_path",
    "extension_suffix",
    "file_entry",
    "inputs_digest",
    "is_unchanged",
    "join_slices",
    "layout_of",
    "library_folder",
    "library_name",
    "merge_entries",
    "remove_leftovers",
    "source_date_epoch",
    "uniffi_init",
    "wheel_contents",
    "wheel_problems",
    "write_wheel",
]
