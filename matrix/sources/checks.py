"""What an index would refuse about a source distribution, found before it is written."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.archives import CoreMetadata, Entry
from matrix.errors import ConfigError

__all__ = ["check_sources"]


def check_sources(entries: Sequence[Entry], metadata: CoreMetadata) -> None:
    """Check that the metadata is valid and that every file it names is there.

    Args:
        entries: Everything that goes into the archive.
        metadata: The project's metadata.

    Raises:
        ConfigError: An index would answer the upload with an error.
    """
    from packaging.metadata import parse_email  # noqa: PLC0415 - slow to import, needed here alone

    names = {entry.path for entry in entries}
    raw, unparsed = parse_email(metadata.text)
    if unparsed:
        raise ConfigError(f"PKG-INFO: the field {min(unparsed)!r} could not be read")
    _validate(raw)
    for name in raw.get("license_files", []):
        if name not in names:
            raise ConfigError(
                f"PKG-INFO: License-File {name!r} would not be in the source distribution, which an index refuses",
                hint="mend `exclude` in [tool.maturin], or `license-files` in [project]",
            )
    if "pyproject.toml" not in names:
        raise ConfigError("pyproject.toml would not be in the source distribution", hint="git add it")


def _validate(raw: object) -> None:
    from packaging.errors import ExceptionGroup  # noqa: PLC0415 - see above
    from packaging.metadata import Metadata  # noqa: PLC0415

    try:
        Metadata.from_raw(raw)  # type: ignore[arg-type]
    except ExceptionGroup as group:
        raise ConfigError(f"PKG-INFO: {group.exceptions[0]}", hint="an index would refuse it") from None
