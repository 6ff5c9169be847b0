"""What the wheels of a run are made from, and the digest that proves it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from matrix.archives import (
    Compression,
    Contents,
    CoreMetadata,
    Entry,
    Layout,
    collect,
    inputs_digest,
)
from matrix.archives.compression import EARLIEST, DosTime
from matrix.archives.record import hash_file
from matrix.archives.sbom import rust_bom_path
from matrix.model import Build, Bundled, Cell, Outcome, Target
from matrix.running.joining import Made
from matrix.running.products import product_entries

if TYPE_CHECKING:
    from matrix.repairing import Patchelf

__all__ = ["AuditMode", "Ingredients", "Repairs", "entries_of", "inputs_of", "same_sources"]

AuditMode = Literal["repair", "check", "warn", "skip"]


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What repairs need.

    Attributes:
        host: The machine's own target.
        patchelf: Returns what rewrites binaries, the same one each time.
        given: LD_LIBRARY_PATH.
        path: PATH, where Windows looks for DLLs.
        elsewhere: Ids of builds that containers make: no library of this machine is theirs.
        own: Directories whose libraries count all the same: the project's, and the lanes.
        sbom: Whether the wheel says what was brought along.
    """

    host: Target
    patchelf: Callable[[], Patchelf]
    given: str = ""
    path: str = ""
    elsewhere: frozenset[str] = frozenset()
    own: tuple[Path, ...] = ()
    sbom: bool = True


class Ingredients(msgspec.Struct, frozen=True, kw_only=True):
    """What every wheel of a run is made from, besides its binary.

    Attributes:
        metadata: Core metadata.
        layout: Where the Python side lies.
        contents: The Python side, collected once.
        out: The out directory.
        audit: ``repair`` brings along what a level does not allow, and fails a cell whose level is not met then;
            ``check`` fails it at once, ``warn`` gives it the best level met, ``skip`` trusts.
        repairs: What repairs need; ``None`` where none are made.
        environ: Variables that change platform tags.
        compression: How members are compressed.
        modified: The time every member carries.
        reuse: Whether a wheel that is proven to be up to date is kept.
        tree: Where an editable wheel points to, and what is built goes; ``None`` for ordinary wheels.
        boms: The list of crates of each build, by its id and the wheel's target.
    """

    metadata: CoreMetadata
    layout: Layout
    contents: Contents
    out: Path
    audit: AuditMode = "check"
    repairs: Repairs | None = None
    environ: Mapping[str, str] = msgspec.field(default_factory=dict)
    compression: Compression = msgspec.field(default_factory=Compression)
    modified: DosTime = EARLIEST
    reuse: bool = True
    tree: Path | None = None
    boms: Mapping[tuple[str, str], bytes] = msgspec.field(default_factory=dict)

    @property
    def out_dir_crates(self) -> frozenset[str]:
        """Crates whose ``OUT_DIR`` wheels take files from."""
        rules = (rule for rule in self.layout.include if rule.origin == "out-dir")
        return frozenset(rule.crate or self.layout.crate for rule in rules)


def entries_of(
    given: Ingredients, build: Build, outcome: Outcome, replaced: Mapping[str, Path] | None = None
) -> Sequence[Entry]:
    """Return everything that goes into a wheel but its metadata.

    Args:
        given: What every wheel is made from.
        build: The build.
        outcome: What it made.
        replaced: Files that stand for an artifact, by its path.
    """
    contents = given.contents
    if given.out_dir_crates:
        out_dirs = {crate: Path(path) for one in outcome.artifacts for crate, path in one.out_dirs.items()}
        contents = collect(given.layout, given.metadata.distribution, out_dirs)
        if given.tree is not None:
            made = [entry for entry in contents.entries if _lies_in(entry, out_dirs.values())]
            contents = Contents((*given.contents.entries, *made))
    own = product_entries(given.layout, given.metadata.distribution, build, outcome, replaced or {})
    there = {entry.path for entry in contents.entries}
    if given.tree is not None:  # what the project has itself is not in an editable wheel
        there |= {entry.path for entry in own if (given.tree / entry.path).is_file()}
    own = [entry for entry in own if isinstance(entry.source, Path) or entry.path not in there]
    stubs = {entry.path for entry in own if entry.path.endswith(".pyi")}  # they stand for those of the project
    return [*(entry for entry in contents.entries if entry.path not in stubs), *own, *_boms(given, build)]


def _boms(given: Ingredients, build: Build) -> Iterator[Entry]:
    """Yield what goes into ``.dist-info/sboms``."""
    yield from given.contents.boms
    listed = given.boms.get((build.id, build.target.triple))
    if listed is not None:
        yield Entry(rust_bom_path(given.metadata.dist_info, build.crate), listed)


def _lies_in(entry: Entry, directories: Iterable[Path]) -> bool:
    source = entry.source
    return isinstance(source, Path) and any(source.is_relative_to(one) for one in directories)


def inputs_of(given: Ingredients, made: Made, cell: Cell, bundled: Sequence[Bundled] = ()) -> str:
    """Digest everything that decides what a wheel holds and what its tag says, before the tag is known.

    Args:
        given: What every wheel is made from.
        made: What the wheel is made from.
        cell: The wheel wanted.
        bundled: Libraries that it brings along.
    """
    wish = (
        cell.python_tag, cell.abi_tag, str(cell.compatibility), str(cell.pypi), made.build.target.triple, given.audit,
        *(f"{name}={value}" for environ in made.environs(given.environ) for name, value in sorted(environ.items())),
        *(f"{one.file}={one.sha256}" for one in bundled),
        *(map(os.path.abspath, given.repairs.given.split(os.pathsep)) if given.repairs is not None and bundled else ()),
    )  # fmt: skip
    return inputs_digest(
        entries_of(given, made.build, made.outcome),
        given.metadata,
        wish,
        compression=given.compression,
        modified=given.modified,
    )


def same_sources(bundled: Sequence[Bundled]) -> bool:
    """Whether every library that was brought along is still what it was."""
    try:
        return all(hash_file(Path(one.source))[0].hex() == one.sha256 for one in bundled)
    except OSError:
        return False
