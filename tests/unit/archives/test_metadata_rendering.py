"""METADATA: what [project] says, what Cargo.toml fills in, and what is refused before anything compiles."""

from __future__ import annotations

import email
import email.message
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.metadata import Metadata

from matrix.archives.fields import CargoFields
from matrix.archives.metadata import CoreMetadata, render_metadata
from matrix.errors import ConfigError

FULL = {
    "description": "A crate\nof two lines",
    "authors": ("Ann Bee <ann@example.org>", "Cee Dee", "e@example.org"),
    "keywords": ("fast", "small"),
    "license": "MIT OR Apache-2.0",
    "repository": "https://example.org/repo",
    "homepage": "https://example.org",
    "documentation": "https://example.org/docs",
}


def cargo(root: Path, **changes: Any) -> CargoFields:
    fields: dict[str, Any] = {"directory": root, "workspace_root": root}
    return CargoFields(**(fields | changes))


def render(root: Path, text: str | None, **fields: Any) -> CoreMetadata:
    return render_metadata("demo", "1.0", None if text is None else tomli.loads(text), cargo(root, **fields), root)


def headers(metadata: CoreMetadata) -> dict[str, list[str]]:
    message = email.message_from_string(metadata.text)
    return {name: message.get_all(name, []) for name in message}


def test_the_least_there_is(tmp_path: Path) -> None:
    metadata = render(tmp_path, "")
    assert metadata.text == "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n\n"
    assert metadata.entry_points is None
    assert metadata.license_files == ()
    assert (metadata.distribution, metadata.dist_info) == ("demo-1.0", "demo-1.0.dist-info")


@pytest.mark.parametrize(
    ("name", "version", "distribution"),
    [
        ("Tiny.Proj_x", "1.0", "tiny_proj_x-1.0"),
        ("a--b", "v1.0.0-Alpha.1", "a_b-1.0.0a1"),
        ("x", "1+Local-2", "x-1+local.2"),
    ],
)
def test_names_as_files_need_them(tmp_path: Path, name: str, version: str, distribution: str) -> None:
    metadata = render_metadata(name, version, {}, cargo(tmp_path), tmp_path)
    assert metadata.distribution == distribution
    assert headers(metadata)["Name"] == [name]
    assert headers(metadata)["Version"] == [distribution.split("-")[1]]


def test_cargo_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Hello\n")
    (tmp_path / "LICENSE").write_text("not named, so not taken\n")
    metadata = render(tmp_path, None, readme="README.md", **FULL)
    assert headers(metadata) == {
        "Metadata-Version": ["2.4"],
        "Name": ["demo"],
        "Version": ["1.0"],
        "Summary": ["A crate of two lines"],
        "Keywords": ["fast,small"],
        "Author": ["Cee Dee"],
        "Author-email": ["Ann Bee <ann@example.org>, e@example.org"],
        "License": ["MIT OR Apache-2.0"],
        "Project-URL": [
            "Homepage, https://example.org",
            "Documentation, https://example.org/docs",
            "Source Code, https://example.org/repo",
        ],
        "Description-Content-Type": ["text/markdown; charset=UTF-8; variant=GFM"],
    }
    assert email.message_from_string(metadata.text).get_payload() == "# Hello\n"


def test_cargo_fills_what_is_dynamic_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("hello\n")
    quiet = headers(render(tmp_path, 'dynamic = ["version"]', readme="README.md", **FULL))
    assert set(quiet) == {"Metadata-Version", "Name", "Version"}
    some = headers(render(tmp_path, 'dynamic = ["description", "license"]', **FULL))
    assert some["Summary"] == ["A crate of two lines"]
    assert some["License"] == ["MIT OR Apache-2.0"]
    assert "Project-URL" not in some
    assert "Author-email" not in some


def test_a_value_wins_over_dynamic(tmp_path: Path) -> None:
    metadata = render(tmp_path, 'description = "static"\ndynamic = ["description", "urls"]', **FULL)
    assert headers(metadata)["Summary"] == ["static"]
    assert len(headers(metadata)["Project-URL"]) == 3
    assert metadata.warnings == (
        "pyproject.toml: [project] dynamic: 'description' has a value as well; the value is used",
    )
    odd = render(tmp_path, 'dynamic = ["dependencies", "descripton"]').warnings
    assert "'dependencies' cannot come from Cargo.toml" in odd[0]
    assert "'descripton' is no field" in odd[1]


def test_people(tmp_path: Path) -> None:
    found = headers(
        render(
            tmp_path,
            """
            authors = [{name = "A"}, {name = "B", email = "b@x"}, {email = "c@x"}, {name = "C, \\"D.", email = "d@x"}]
            maintainers = [{name = "M"}, {name = "É", email = "e@x"}]
            """,
        )
    )
    assert found["Author"] == ["A"]
    assert found["Author-email"] == ['B <b@x>, c@x, "C, \\"D." <d@x>']
    assert found["Maintainer"] == ["M"]
    assert found["Maintainer-email"] == ["É <e@x>"]


def test_dependencies_and_extras(tmp_path: Path) -> None:
    found = headers(
        render(
            tmp_path,
            """
            requires-python = ">= 3.10 ,!=3.11.0"
            dependencies = ["one>=1; python_version < '3.12'", "two @ https://example.org/two.whl"]
            [optional-dependencies]
            Te_st = ["a", "b; os_name == 'x' or os_name == 'y'"]
            none = []
            """,
        )
    )
    assert found["Requires-Python"] == [">=3.10, !=3.11.0"]
    assert found["Provides-Extra"] == ["te-st", "none"]
    assert found["Requires-Dist"] == [
        'one>=1; python_version < "3.12"',
        "two @ https://example.org/two.whl",
        'a; extra == "te-st"',
        'b; (os_name == "x" or os_name == "y") and extra == "te-st"',
    ]


def test_licence_classifiers_may_stand_beside_an_expression(tmp_path: Path) -> None:
    found = headers(
        render(tmp_path, 'license = "mit"\nclassifiers = ["License :: OSI Approved :: MIT License", "Typing :: Typed"]')
    )
    assert found["License-Expression"] == ["MIT"]
    assert found["Classifier"] == ["License :: OSI Approved :: MIT License", "Typing :: Typed"]


def test_import_names_need_the_newer_version(tmp_path: Path) -> None:
    found = headers(render(tmp_path, 'import-names = ["demo", "demo._x ; private"]\nimport-namespaces = ["ns"]'))
    assert found["Metadata-Version"] == ["2.5"]
    assert found["Import-Name"] == ["demo", "demo._x ; private"]
    assert found["Import-Namespace"] == ["ns"]


lines = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(summary=lines, text=st.lists(lines, max_size=5).map("\n".join), keywords=st.lists(st.text("abc é", min_size=1)))
def test_any_text_survives(tmp_path: Path, summary: str, text: str, keywords: list[str]) -> None:
    table = {
        "description": summary,
        "readme": {"text": text, "content-type": "text/plain"},
        "keywords": keywords,
        "authors": [{"name": "É", "email": "e@example.org"}],
    }
    metadata = render_metadata("demo", "1.0", table, cargo(tmp_path), tmp_path)
    read = Metadata.from_email(metadata.text.encode(), validate=False)
    assert (read.summary or "") == " ".join(summary.split())
    assert (read.description or "") == text
    assert read.author_email == "É <e@example.org>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dependencies = ["ok", "foo >= x"]', r"\[project\] dependencies\[1\]: is an invalid PEP 508"),
        ('dependencies = "foo"', r"dependencies: has an invalid type, expecting list"),
        ('requires-python = "3.8"', r"requires-python: is an invalid Python version specifier"),
        ('classifiers = ["a", 3]', r"classifiers\[1\]: has an invalid type"),
        ('authors = ["x"]', r"authors\[0\]: .* a table of name and email"),
        ("authors = [{}]", r"authors\[0\]: must have at least one of"),
        ('urls = {abcdefghijklmnopqrstuvwxyzabcdefghijklmn = "x"}', r"urls: names cannot be more than 32"),
        ("description = 3", r"description: has an invalid type"),
        ('optional-dependencies = {"a b" = ["x"]}', r"optional-dependencies: 'a b' is no name of an extra"),
        ('optional-dependencies = {a_b = ["x"], "A-B" = ["y"]}', r"'a_b' and 'A-B' are one name"),
        ('dynamic = ["name"]', r"dynamic: the name cannot be dynamic"),
        ('dynamic = "version"', r"dynamic: expected a list of strings"),
        ('scripts = {a = "m"}', r"scripts\.a: 'm' names a module"),
        ('scripts = {a = "m:f g"}', r"scripts\.a: 'm:f g' is no object reference"),
        ('scripts = {"a=b" = "m:f"}', r"scripts: 'a=b' is no name of an entry point"),
        ('scripts = {"a/b" = "m:f"}', r"scripts: 'a/b' is no name of a program"),
        ('entry-points = {console_scripts = {a = "m:f"}}', r"this group has a table of its own"),
        ('entry-points = {"a b" = {a = "m:f"}}', r"entry-points: has an invalid key"),
        ('import-names = ["1x"]', r"import-names: .* not a valid identifier"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        render(tmp_path, text)
    assert caught.value.message.startswith("pyproject.toml: [project] ")


def test_names_and_versions_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cargo\.toml: \[package\] name: Invalid project name '-x'"):
        render_metadata("-x", "1.0", None, cargo(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match=r"\[project\] version: .*'one'"):
        render_metadata("x", "one", {}, cargo(tmp_path), tmp_path)


def test_entry_points(tmp_path: Path) -> None:
    metadata = render(
        tmp_path,
        """
        [scripts]
        z = "demo.cli:main"
        a = "demo:App.run [extra]"
        [gui-scripts]
        g = "demo:gui"
        [entry-points."pytest11"]
        p = "demo.plugin"
        [entry-points.empty]
        """,
    )
    assert metadata.entry_points == (
        "[console_scripts]\na = demo:App.run [extra]\nz = demo.cli:main\n\n"
        "[gui_scripts]\ng = demo:gui\n\n"
        "[pytest11]\np = demo.plugin\n"
    )
