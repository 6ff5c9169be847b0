"""METADATA: what [project] says, what Cargo.toml fills in, and what is refused before anything compiles."""

from __future__ import annotations

import email
import email.message
import re
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
        (
            'dependencies = ["ok", "foo >= x"]',
            r"\[project\] dependencies\[1\]: 'foo >= x' is no requirement \(PEP 508\): expected a version, `;` or",
        ),
        (
            'dependencies = ["foo[x"]',
            r"\[0\]: 'foo\[x' is no requirement .*: expected matching `\]` for `\[`",
        ),
        (
            'dependencies = ["x; python_version < \'3"]',
            r"\[0\]: .x; python_version < '3. is no requirement \(PEP 508\): ",
        ),
        ('dependencies = "foo"', r"dependencies: expected a list of strings, not the string 'foo'$"),
        ('dependencies = {a = "b"}', r"dependencies: expected a list of strings, not a table$"),
        ('requires-python = "3.8"', r"requires-python: '3\.8' is not a specifier$"),
        ('classifiers = ["a", 3]', r"classifiers\[1\]: expected a string, not the number 3$"),
        ('authors = ["x"]', r"authors\[0\]: expected a table of name and email, not the string 'x'$"),
        ('authors = "x"', r"authors: expected a list of tables of name and email, not the string 'x'$"),
        ("authors = [{}]", r"authors\[0\]: a table of a person holds `name`, `email` or both"),
        ('authors = [{name = "x", age = 3}]', r"authors\[0\]: unknown key 'age'$"),
        ('urls = {abcdefghijklmnopqrstuvwxyzabcdefghijklmn = "x"}', r"urls: 'abcd.*mn' has more than 32 characters"),
        ("urls = {a = 3}", r"urls\.a: expected a string, not the number 3$"),
        ("description = 3", r"description: expected a string, not the number 3$"),
        ('optional-dependencies = {a = "x"}', r"\.a: expected a list of strings, not the string 'x'$"),
        ('optional-dependencies = {a = ["x y"]}', r"optional-dependencies\.a\[0\]: 'x y' is no requirement"),
        ('optional-dependencies = ["x"]', r"optional-dependencies: expected a table of lists of strings, not a list$"),
        ('optional-dependencies = {"a b" = ["x"]}', r"optional-dependencies: 'a b' is no name of an extra"),
        ('optional-dependencies = {a_b = ["x"], "A-B" = ["y"]}', r"'a_b' and 'A-B' are one name"),
        ('dynamic = ["name"]', r"dynamic: the name cannot be dynamic"),
        ('dynamic = "version"', r"dynamic: expected a list of strings"),
        ('scripts = {a = "m"}', r"scripts\.a: 'm' names a module"),
        ('scripts = {a = "m:f g"}', r"scripts\.a: 'm:f g' is no object reference"),
        ('scripts = {"a=b" = "m:f"}', r"scripts: 'a=b' is no name of an entry point"),
        ('scripts = {"a/b" = "m:f"}', r"scripts: 'a/b' is no name of a program"),
        ('entry-points = {console_scripts = {a = "m:f"}}', r"this group has a table of its own"),
        ('entry-points = {"a b" = {a = "m:f"}}', r"entry-points: 'a b' is no name of a group"),
        ('import-names = ["1x"]', r"import-names: '1x' is no import name: each part is an identifier$"),
        ('import-names = ["class"]', r"import-names: 'class' is no import name: .* a keyword"),
        ('import-names = ["a; public"]', r"import-names: 'a; public' ends with something else than `; private`$"),
        ('import-names = ["a.b"]', r"import-namespaces: 'a' is missing, but names below it are given$"),
        ('import-names = ["a"]\nimport-namespaces = ["a"]', r"import-names: .*a.* stands in import-namespaces too$"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        render(tmp_path, text)
    assert caught.value.message.startswith("pyproject.toml: [project] ")
    assert not re.search(r"\(got|expecting|: (is|has|must|contains) |PEP 508 req|[A-Z]{3,}_", caught.value.message)


def test_names_and_versions_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cargo\.toml: \[package\] name: '-x' is no name of a distribution$"):
        render_metadata("-x", "1.0", None, cargo(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match=r"\[project\] version: 'one' has no meaning in PEP 440$"):
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
