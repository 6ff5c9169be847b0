"""Collects the Python side of a wheel: everything that goes into it besides binaries and metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from matrix.archives.entries import Entry, file_entry, merge_entries
from matrix.archives.globs import braces, glob_files, split_pattern
from matrix.archives.layout import IncludeRule, Layout, stub_init
from matrix.archives.walking import Ignores, Walk
from matrix.errors import ConfigError
from matrix.project.fence import Fence

__all__ = ["Contents", "collect", "excluder"]

_TABLE = "pyproject.toml: [tool.maturin]"
_SCHEMES = ("data", "headers", "platlib", "purelib", "scripts")


class Contents(msgspec.Struct, frozen=True):
    """What goes into a wheel besides its binary.

    Attributes:
        entries: Sorted by archive path, each path once.
        warnings: What the user should know.
        boms: Files for ``.dist-info/sboms``, which no pattern leaves out.
    """

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()
    boms: tuple[Entry, ...] = ()


def collect(layout: Layout, distribution: str, out_dirs: Mapping[str, Path] | None = None) -> Contents:
    """Return the files of the project that belong into every wheel of it.

    Builds of this module that an editable install or another tool left in the tree are never taken.

    Args:
        layout: Where things lie.
        distribution: ``name-version`` as in file names; names the ``.data`` directory.
        out_dirs: ``OUT_DIR`` by crate; ``None`` before anything is compiled, when the patterns are checked
            but nothing is taken from there.

    Raises:
        ConfigError: A pattern, the data directory or a link cannot be obeyed, or two files claim one path.
    """
    fence = Fence(layout.within or (layout.root, layout.python_source))
    walk = Walk(within=fence.directories, ignores=Ignores(_ignore_root(layout)))
    excluded = _excluder(layout)
    made = layout.products
    warnings: list[str] = []
    entries: list[Entry] = []
    python = [*(_package(layout, walk) if layout.mixed else _pure(layout)), *_extra(layout, walk)]
    entries += (_checked(entry, fence) for entry in python if not excluded(entry))
    if layout.mixed and not python:
        warnings.append(f"no Python file of {layout.top!r} goes into the wheel: all are ignored (.gitignore, .ignore)")
    for rule in layout.include:
        chosen = list(_included(layout, rule, out_dirs))
        if not chosen and (rule.origin == "project" or out_dirs is not None):
            warnings.append(f"{_TABLE} {rule.key}: {rule.path!r} matches no file")
        own = rule.origin == "project"
        entries += (_checked(entry, fence) if own else entry for entry in chosen if not excluded(entry))
    data = Walk(within=fence.directories)
    entries += (_checked(entry, fence) for entry in _data(layout, distribution, data) if not excluded(entry))
    stale = _stale(layout.module)
    if made is not None:
        entries = [one for one in entries if not (isinstance(one.source, Path) and made.hold(one.source))]
    kept = merge_entries(entry for entry in entries if not stale(entry.path))
    if layout.module and not layout.mixed and not layout.folder:
        kept = merge_entries([*kept, Entry(f"{layout.module}/__init__.py", stub_init(layout.module))])
    return Contents(kept, (*warnings, *walk.warnings, *data.warnings))


def _checked(entry: Entry, fence: Fence) -> Entry:
    if isinstance(entry.source, Path):
        fence.check(entry.source)
    return entry


def _ignore_root(layout: Layout) -> Path:
    inside = layout.python_source.is_relative_to(layout.root)
    return layout.root if inside else layout.python_source


def _package(layout: Layout, walk: Walk) -> Iterator[Entry]:
    """Yield the Python package of a mixed project, whole."""
    for path in walk.files(layout.python_source / layout.top):
        yield file_entry(path.relative_to(layout.python_source).as_posix(), path)


def _extra(layout: Layout, walk: Walk) -> Iterator[Entry]:
    """Yield what ``python-packages`` adds."""
    for index, name in enumerate(layout.python_packages):
        key = f"{_TABLE} python-packages[{index}]"
        try:
            parts = split_pattern(name)
        except ValueError as error:
            raise ConfigError(f"{key}: {name!r} {error}") from None
        for path in walk.files(layout.python_source.joinpath(*parts)):
            yield file_entry(path.relative_to(layout.python_source).as_posix(), path)


def _pure(layout: Layout) -> Iterator[Entry]:
    """Yield the type stub of a pure Rust project and the marker that says it has one (PEP 561)."""
    stub = layout.root / f"{layout.module}.pyi"
    if layout.module and stub.is_file():
        yield file_entry(f"{layout.module}/__init__.pyi", stub)
        yield Entry(f"{layout.module}/py.typed", b"")


def _included(layout: Layout, rule: IncludeRule, out_dirs: Mapping[str, Path] | None) -> Iterator[Entry]:
    key = f"{_TABLE} {rule.key}"
    try:
        split_pattern(rule.path)
        target = "/".join(split_pattern(rule.to)) if rule.to.strip("/") else ""
    except ValueError as error:
        raise ConfigError(f"{key}: {rule.path!r} {error}") from None
    if rule.origin == "out-dir":
        if out_dirs is None:
            return
        crate = rule.crate or layout.crate
        if crate not in out_dirs:
            raise ConfigError(
                f"{key}: the crate {crate!r} has no OUT_DIR", hint="only a crate with a build script (build.rs) has one"
            )
        for path in glob_files(out_dirs[crate], rule.path):
            relative = path.relative_to(out_dirs[crate]).as_posix()
            yield file_entry(f"{target}/{relative}" if target else relative, path)
        return
    taken: set[str] = set()  # the root comes first
    for path in _project_files(layout, rule.path):
        inside = path.is_relative_to(layout.python_source)
        name = path.relative_to(layout.python_source if inside else layout.root).as_posix()
        if name not in taken:
            taken.add(name)
            yield file_entry(name, path)


def _project_files(layout: Layout, pattern: str) -> Iterator[Path]:
    pruned = frozenset(layout.prune)

    def prune(directory: Path) -> bool:
        return directory in pruned or directory.name == ".git"

    yield from glob_files(layout.root, pattern, prune)
    if layout.python_source != layout.root:
        yield from glob_files(layout.python_source, pattern, prune)


def _data(layout: Layout, distribution: str, walk: Walk) -> Iterator[Entry]:
    """Yield the files of the data directory under the wheel's ``.data`` directory (PEP 427)."""
    if layout.data is None:
        return
    for child in sorted(layout.data.iterdir()):
        if child.name not in _SCHEMES or not child.is_dir():
            raise ConfigError(
                f"{child}: a data directory holds nothing but the directories {', '.join(_SCHEMES)}",
                hint="move it into the one that fits",
            )
    for path in walk.files(layout.data):
        relative = path.relative_to(layout.data)
        entry = file_entry(f"{distribution}.data/{relative.as_posix()}", path)
        # pip installs a script as the archive has it, and a host may know no such mode
        yield msgspec.structs.replace(entry, executable=True) if relative.parts[0] == "scripts" else entry


def _excluder(layout: Layout) -> Callable[[Entry], bool]:
    for index, pattern in enumerate(layout.exclude):
        if not pattern.strip():
            raise ConfigError(f"{_TABLE} exclude[{index}]: the pattern is empty")
    return excluder(layout.exclude, layout.root)


def excluder(patterns: Sequence[str], root: Path) -> Callable[[Entry], bool]:
    """Return what says whether ``exclude`` names an entry, by its place in the project or in the archive.

    Args:
        patterns: As in ``.gitignore``, with ``{a,b}``.
        root: The directory that they are relative to.

    Raises:
        ConfigError: A pattern is malformed.
    """
    if not patterns:
        return lambda _: False
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most projects exclude nothing

    try:
        spec = GitIgnoreSpec.from_lines(line for pattern in patterns for line in braces(pattern))
    except ValueError as error:
        raise ConfigError(f"{_TABLE} exclude: {error}") from None

    def excluded(entry: Entry) -> bool:
        names = [entry.path]
        if isinstance(entry.source, Path) and entry.source.is_relative_to(root):
            names.append(entry.source.relative_to(root).as_posix())
        return any(spec.match_file(name) for name in names)

    return excluded


def _stale(module: str) -> Callable[[str], bool]:
    """Return what says whether an archive path is another build of this module: ``_rust.cpython-39-….so``."""
    if not module:
        return lambda _: False
    name = re.compile(rf"(?:.*/)?{re.escape(module)}(?:\.[^/]*)?\.(?:so|pyd|dll)\Z")
    return lambda path: name.match(path) is not None
