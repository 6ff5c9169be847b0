"""Metadata that was rendered before is taken as it was, and only when nothing that it came from has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix.archives import metadata as rendering
from matrix.archives import remembered
from matrix.archives.fields import CargoFields
from matrix.archives.metadata import CoreMetadata, render_metadata
from matrix.archives.remembered import Memory

TABLE: dict[str, Any] = {"description": "one", "readme": "README.md", "license": "mit", "requires-python": ">=3.9"}


class Desk:
    """A project and the file that remembers it."""

    def __init__(self, root: Path) -> None:
        self.root, self.file = root, root / "memory" / "metadata.json"
        (root / "README.md").write_text("read me")

    def render(self, table: dict[str, Any] = TABLE, version: str = "1.0", **cargo: Any) -> CoreMetadata:
        memory = Memory(self.file)
        fields = CargoFields(directory=self.root, workspace_root=self.root, **cargo)
        made = render_metadata("demo", version, table, fields, self.root, memory=memory)
        assert made == render_metadata("demo", version, table, fields, self.root), "with and without a memory"
        memory.write()
        return made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_known_is_not_rendered_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.render()
    monkeypatch.setattr(rendering, "_standard", None)
    fields = CargoFields(directory=desk.root, workspace_root=desk.root)
    assert render_metadata("demo", "1.0", TABLE, fields, desk.root, memory=Memory(desk.file)) == made
    assert "License-Expression: MIT" in made.text


def test_whatever_changes_is_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [desk.render().text]
    texts.append(desk.render({**TABLE, "description": "two"}).text)
    texts.append(desk.render({**TABLE, "description": "two"}, "2.0").text)
    (desk.root / "README.md").write_text("read me again")
    texts.append(desk.render().text)
    (desk.root / "LICENSE").write_text("all of it")
    texts.append(desk.render({**TABLE, "license-files": ["LICENSE"]}).text)
    texts.append(desk.render({"dynamic": ["description"]}, description="from Cargo.toml").text)
    assert len(set(texts)) == len(texts)
    before = desk.file.read_bytes()
    monkeypatch.setattr(remembered, "JUDGES", ("pytest",))
    desk.render({"dynamic": ["description"]}, description="from Cargo.toml")
    assert desk.file.read_bytes() != before, "another release of the library may judge otherwise"


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"key": 1}'])
def test_a_damaged_memory_is_none(desk: Desk, content: bytes) -> None:
    desk.file.parent.mkdir()
    desk.file.write_bytes(content)
    assert desk.render().name == "demo"
    assert desk.file.read_bytes() != content


def test_a_memory_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file where the directory would be")
    assert Desk(tmp_path).render().name == "demo"
