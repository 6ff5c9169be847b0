"""A project, handed over: its tables become plain values for the parts that make wheels."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from matrix.archives import gather
from matrix.archives.gather import core_metadata, layout_of, wheel_contents
from matrix.archives.layout import IncludeRule
from matrix.errors import ConfigError
from matrix.project import FileRow, MaturinOptions, Module, Project
from matrix.project.fence import Fence


def described(root: Path, *, kind: str = "pyo3", maturin: MaturinOptions | None = None, **table: Any) -> Project:
    """Return what looks like a project to this room."""
    crate = SimpleNamespace(
        **dict.fromkeys(
            ("description", "license", "license_file", "readme", "repository", "homepage", "documentation")
        ),
        name="demo-crate",
        directory=root,
        authors=("A <a@example.org>",),
        keywords=(),
    )
    module = Module(
        name="_rust", package="demo", lib_name="_rust", python_source=root, mixed=True, directory="demo", data=None
    )
    return cast(
        "Project",
        SimpleNamespace(
            root=root,
            fence=Fence([root]),
            table={"project": {"name": "demo", **table}},
            name="demo",
            version="1.0",
            workspace_root=root,
            outputs=(root / "target",),
            crate=crate,
            module=module,
            bindings=SimpleNamespace(kind=kind),
            maturin=maturin or MaturinOptions(),
        ),
    )


def test_the_layout_of_a_project(tmp_path: Path) -> None:
    options = MaturinOptions(
        include=(
            FileRow(path="a", format="sdist"),
            "b",
            FileRow(path="c", source="out-dir", to="demo/", crate_name="other"),
        ),
        exclude=("x", FileRow(path="y", format="sdist"), FileRow(path="z", format=("wheel",))),
    )
    layout = layout_of(described(tmp_path, maturin=options))
    assert layout.include == (
        IncludeRule("b", key="include[1]"),
        IncludeRule("c", origin="out-dir", to="demo/", crate="other", key="include[2]"),
    )
    assert layout.exclude == ("x", "z")
    assert (layout.module, layout.top, layout.directory, layout.crate) == ("_rust", "demo", "demo", "demo-crate")
    assert tmp_path / "target" in layout.prune
    assert layout_of(described(tmp_path, kind="bin")).module == ""


def test_metadata_and_contents_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/__init__.py").touch()
    project = described(tmp_path, dynamic=["authors"])
    metadata = core_metadata(project)
    assert "Author-email: A <a@example.org>\n" in metadata.text
    assert [entry.path for entry in wheel_contents(project, metadata).entries] == ["demo/__init__.py"]


def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "demo"))

    project = described(tmp_path)
    metadata = core_metadata(project)
    monkeypatch.setattr(gather, "collect", refuse)
    with pytest.raises(ConfigError, match=r"demo: Permission denied"):
        wheel_contents(project, metadata)
    monkeypatch.setattr(gather, "render_metadata", refuse)
    with pytest.raises(ConfigError, match=r"demo: Permission denied"):
        core_metadata(project)
