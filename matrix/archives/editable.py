"""Editable installs (PEP 660): the wheel points to the project's Python code, and the module lies there too."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from matrix.archives.contents import Contents
from matrix.archives.entries import Entry
from matrix.archives.layout import Layout
from matrix.errors import ConfigError
from matrix.files import replacing

__all__ = ["editable_contents", "parted", "place_in_tree", "tree_of"]


def tree_of(layout: Layout) -> Path | None:
    """Return the directory whose packages an editable install imports; ``None`` for a project without Python code.

    Python finds one directory of a package only, so that a module inside a package has to lie beside its sources.
    """
    return layout.python_source if layout.mixed or layout.python_packages else None


def editable_contents(layout: Layout, contents: Contents, distribution: str) -> Contents:
    """Return what goes into an editable wheel besides its binary.

    With Python code that is a path file, in place of every package, and the data directory; without, it is what any
    wheel has.

    Args:
        layout: Where things lie.
        contents: What goes into an ordinary wheel.
        distribution: ``name-version`` as in file names.

    Raises:
        ConfigError: The path cannot stand in a path file.
    """
    tree = tree_of(layout)
    if tree is None:
        return contents
    path = str(tree)
    if len(path.splitlines()) != 1 or path.startswith(("#", "import ", "import\t")):
        hint = "move the project to a directory with a plain name"
        raise ConfigError(f"{path!r} cannot stand in a .pth file", hint=hint)
    data = [entry for entry in contents.entries if entry.path.startswith(f"{distribution}.data/")]
    return Contents((*data, Entry(_hook(distribution), f"{path}\n".encode())), contents.warnings)


def parted(entries: Iterable[Entry], distribution: str) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Return what goes into an editable wheel and what goes into the tree it points to, of all that was made.

    Args:
        entries: The files of an editable wheel, and what its build made.
        distribution: ``name-version`` as in file names.
    """
    packed: list[Entry] = []
    placed: list[Entry] = []
    for entry in entries:
        outside = entry.path.startswith(f"{distribution}.data/") or entry.path == _hook(distribution)
        (packed if outside else placed).append(entry)
    return packed, placed


def place_in_tree(entries: Iterable[Entry], tree: Path) -> None:
    """Put what a build made where the project's own Python code finds it; a file that is the same stays untouched.

    Each is replaced whole: a running program keeps the file that it opened.

    Args:
        entries: What was made.
        tree: The directory that the entries' paths are relative to.

    Raises:
        OSError: The directory cannot be written.
    """
    for entry in entries:
        path = tree.joinpath(*entry.path.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, unless=partial(_same, path)) as file:
            if isinstance(entry.source, bytes):
                file.write(entry.source)
            else:
                with entry.source.open("rb") as source:
                    shutil.copyfileobj(source, file)
            if entry.executable:
                Path(file.name).chmod(0o755)


def _hook(distribution: str) -> str:
    return f"{distribution.partition('-')[0]}.pth"


def _same(there: Path, made: Path) -> bool:
    return there.is_file() and filecmp.cmp(made, there, shallow=False)
