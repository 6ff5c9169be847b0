"""Licence files and the long description: where they come from, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from matrix.archives.fields import CargoFields
from matrix.archives.licenses import License, read_license
from matrix.archives.readme import Readme, cargo_readme, project_readme
from matrix.errors import ConfigError


def cargo(root: Path, **changes: Any) -> CargoFields:
    fields: dict[str, Any] = {"directory": root, "workspace_root": root}
    return CargoFields(**(fields | changes))


def licence(root: Path, text: str, **fields: Any) -> License:
    table = tomli.loads(text)
    return read_license(table, table.get("dynamic", []), cargo(root, **fields), root)


def names(found: License) -> list[str]:
    assert all(path.is_file() for path, _ in found.files)
    return [name for _, name in found.files]


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"{path}\n")
    return root


def test_the_usual_files_are_found_by_themselves(tmp_path: Path) -> None:
    touch(tmp_path, "LICENSE", "LICENCE.txt", "COPYING.LESSER", "NOTICE", "AUTHORS.md")
    touch(tmp_path, "UNLICENSE", "license", "LICENSES/MIT.txt", "sub/LICENSE", ".LICENSE")
    assert names(licence(tmp_path, "")) == ["LICENCE.txt", "LICENSE", "COPYING.LESSER", "NOTICE", "AUTHORS.md"]
    assert names(licence(tmp_path, "license-files = []")) == []


def test_patterns_keep_their_folders(tmp_path: Path) -> None:
    touch(tmp_path, "LICENSE", "third/a/LICENSE", "third/b/c/LICENSE.txt", "licenses/x/y", "licenses/z")
    found = licence(tmp_path, 'license-files = ["LIC*", "third/**/LICENSE*", "licenses/*", "LICENSE"]')
    assert names(found) == ["LICENSE", "third/a/LICENSE", "third/b/c/LICENSE.txt", "licenses/z"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('license-files = ["LICENSE", "no*"]', r"license-files\[1\]: 'no\*' matches no file"),
        ('license-files = ["../LICENSE"]', r"license-files\[0\]: '\.\./LICENSE' must not contain"),
        ('license-files = ["/etc/passwd"]', r"license-files\[0\]: '/etc/passwd' must be a relative path"),
        ('license-files = ["LICEN{S,C}E"]', r"license-files\[0\]: .*PEP 639"),
        ('license-files = ["LICEN[S"]', r"license-files\[0\]: .*never closed"),
        ('license-files = {paths = ["LICENSE"]}', r"license-files: expected a list"),
        ('license = {text = "x"}\nlicense-files = ["LICENSE"]', r"license-files: cannot stand beside"),
        ('license = {text = "x", file = "LICENSE"}', r"license: a table holds either"),
        ("license = {}", r"license: a table holds either"),
        ("license = 3", r"license: expected an SPDX expression or a table"),
        ('license = {file = "no"}', r"license\.file: there is no file 'no'"),
        ('license = "MIT/Apache-2.0"', r"license: 'MIT/Apache-2\.0' is no SPDX expression"),
        ('license = "My own"', r"license: 'My own' is no SPDX expression"),
    ],
)
def test_what_cannot_be_obeyed_is_named(tmp_path: Path, text: str, message: str) -> None:
    touch(tmp_path, "LICENSE")
    with pytest.raises(ConfigError, match=message):
        licence(tmp_path, text)


def test_the_hint_for_cargos_older_form(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        licence(tmp_path, 'license = "MIT/Apache-2.0"')
    assert caught.value.hint == 'did you mean "MIT OR Apache-2.0"?'


def test_both_forms(tmp_path: Path) -> None:
    touch(tmp_path, "LICENSE", "lic/MY.txt")
    assert licence(tmp_path, 'license = "mit or apache-2.0"').expression == "MIT OR Apache-2.0"
    table = licence(tmp_path, 'license = {text = "My own\\nwords"}')
    assert (table.expression, table.text, names(table)) == (None, "My own\nwords", ["LICENSE"])
    assert names(licence(tmp_path, 'license = {file = "lic/MY.txt"}')) == ["lic/MY.txt", "LICENSE"]
    assert licence(tmp_path, 'dynamic = ["license"]', license="MIT/X11").text == "MIT/X11"
    assert licence(tmp_path, "", license="MIT").text is None


def test_cargos_licence_file_always_goes_along(tmp_path: Path) -> None:
    root = touch(tmp_path, "ws/LICENSE", "ws/crates/x/CL", "ws/crates/x/sub/L", "OUT") / "ws"
    crate = {"directory": root / "crates/x", "workspace_root": root}
    assert names(licence(root, "", license_file="CL", **crate)) == ["CL", "LICENSE"]
    assert names(licence(root, "", license_file="sub/L", **crate)) == ["sub/L", "LICENSE"]
    assert names(licence(root, "", license_file="../../LICENSE", **crate)) == ["LICENSE"]
    for outside, words in (("../../../OUT", "outside the project"), (str(tmp_path / "OUT"), "an absolute path")):
        with pytest.raises(ConfigError, match=rf"Cargo\.toml: \[package\] license-file: .*{words}"):
            licence(root, "", license_file=outside, **crate)
    with pytest.raises(ConfigError, match="there is no file 'gone'"):
        licence(root, "", license_file="gone", **crate)
    alone = read_license(None, [], cargo(root, license="MIT", license_file="LICENSE"), root)
    assert (alone.text, names(alone)) == ("MIT", ["LICENSE"])


def test_a_licence_of_the_workspace_or_the_repository_has_its_place_there(tmp_path: Path) -> None:
    root = touch(tmp_path, "LICENSE", "ws/legal/L", "ws/crates/x/Cargo.toml") / "ws" / "crates" / "x"
    where = {"workspace_root": tmp_path / "ws"}
    assert names(licence(root, 'license = {file = "../../legal/L"}', **where)) == ["legal/L"]
    with pytest.raises(ConfigError, match="which is in no git repository"):
        licence(root, 'license = {file = "../../../LICENSE"}', **where)
    (tmp_path / ".git").mkdir()
    assert names(licence(root, 'license = {file = "../../../LICENSE"}', **where)) == ["LICENSE"]


def test_two_licences_of_one_name_both_go_along(tmp_path: Path) -> None:
    root = touch(tmp_path, "LICENSE", "crates/x/LICENSE")
    crate = {"directory": root / "crates/x", "workspace_root": root}
    assert names(licence(root, "", license_file="LICENSE", **crate)) == ["LICENSE", "crates/x/LICENSE"]


@pytest.mark.skipif(sys.platform == "win32", reason="links are Unix's")
def test_a_licence_that_is_a_link(tmp_path: Path) -> None:
    root = touch(tmp_path, "LICENSE", "pkg/x") / "pkg"
    (root / "LICENSE").symlink_to("../LICENSE")
    for text in ("", 'license-files = ["LICENSE"]', "license = {file = 'LICENSE'}"):
        with pytest.raises(ConfigError, match=r"LICENSE'?: the link leads out of the project, to .*LICENSE"):
            licence(root, text)
    (tmp_path / ".git").mkdir()
    assert names(licence(root, "")) == ["LICENSE"]
    assert names(licence(root, 'license-files = ["LICENSE"]')) == ["LICENSE"]
    assert names(licence(root, "license = {file = 'LICENSE'}")) == ["LICENSE"]


# readme

GFM = "text/markdown; charset=UTF-8; variant=GFM"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("README.md", GFM),
        ("README.MD", GFM),
        ("README.markdown", GFM),
        ("README.rst", "text/x-rst; charset=UTF-8"),
        ("docs/README.txt", "text/plain; charset=UTF-8"),
        ("README", "text/plain; charset=UTF-8"),
        ("README.adoc", "text/plain; charset=UTF-8"),
    ],
)
def test_the_kind_follows_from_the_name(tmp_path: Path, name: str, kind: str) -> None:
    touch(tmp_path, name)
    assert project_readme(name, tmp_path) == Readme(f"{name}\n", kind)


def test_tables(tmp_path: Path) -> None:
    touch(tmp_path, "R.md")
    kind = "text/x-rst; charset=ASCII"
    assert project_readme({"file": "R.md", "content-type": kind}, tmp_path) == Readme("R.md\n", kind)
    assert project_readme({"file": "R.md"}, tmp_path) == Readme("R.md\n", None)
    assert project_readme({"text": "a\nb", "content-type": "text/plain"}, tmp_path) == Readme("a\nb", "text/plain")


def test_lines_end_alike_everywhere(tmp_path: Path) -> None:
    (tmp_path / "R.md").write_bytes(b"a\r\nb\rc\n")
    assert project_readme("R.md", tmp_path).text == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gone.md", r"readme: there is no file 'gone\.md'"),
        ({"file": "gone.md"}, r"readme\.file: there is no file"),
        ("latin.md", r"latin\.md is not UTF-8"),
        (".", r"readme: "),
        (3, r"readme: expected a path"),
        ({}, r"readme: a table holds exactly one"),
        ({"file": "R.md", "text": "x"}, r"readme: a table holds exactly one"),
        ({"file": "R.md", "kind": "x"}, r"readme: unknown key 'kind'"),
        ({"file": "R.md", "content-type": "text/html"}, r"content-type: 'text/html' is no type"),
        ({"file": 3}, r"readme: expected a path, or a table of strings"),
    ],
)
def test_a_readme_that_cannot_be_read(tmp_path: Path, value: object, message: str) -> None:
    touch(tmp_path, "R.md")
    (tmp_path / "latin.md").write_bytes(b"\xe9")
    with pytest.raises(ConfigError, match=message):
        project_readme(value, tmp_path)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("../OUT.md", r"readme: '\.\./OUT\.md' lies outside the project, which is in no git repository: /.*/OUT\.md"),
        ("sub/../../OUT.md", r"readme: .* lies outside the project"),
        ("{tmp}/OUT.md", r"readme: '.*/OUT\.md' is an absolute path"),
        ("{tmp}/in/R.md", r"readme: '.*/R\.md' is an absolute path"),
        ("link.md", r"readme: 'link\.md': the link leads out of the project, to /.*/OUT\.md"),
        ("linked/OUT.md", r"readme: 'linked/OUT\.md': the link leads out of the project"),
        ("/nowhere/GONE.md", r"readme: '/nowhere/GONE\.md' is an absolute path"),  # not whether there is one
    ],
)
def test_a_readme_outside_the_project(tmp_path: Path, written: str, message: str) -> None:
    root = touch(tmp_path, "OUT.md", "in/R.md") / "in"
    (root / "link.md").symlink_to("../OUT.md")
    (root / "linked").symlink_to("..")
    written = written.replace("{tmp}", str(tmp_path))
    for value, key in ((written, "readme: "), ({"file": written}, "readme.file: ")):
        with pytest.raises(ConfigError, match=message.replace("readme: ", key)) as caught:
            project_readme(value, root)
        inside = written.endswith("in/R.md")
        assert (caught.value.hint == 'write "R.md"') == inside
    with pytest.raises(ConfigError, match=rf"Cargo\.toml: \[package\] {message}"):
        cargo_readme(cargo(root, readme=written))
    # what a repository holds is part of it, and an absolute path of one machine never is
    (tmp_path / ".git").mkdir()
    if written.startswith("/"):
        with pytest.raises(ConfigError, match="an absolute path"):
            project_readme(written, root)
    else:
        assert project_readme(written, root).text == "OUT.md\n"


def test_the_crates_own(tmp_path: Path) -> None:
    touch(tmp_path, "crate/DOC.md")
    assert cargo_readme(cargo(tmp_path, readme="crate/DOC.md")) == Readme("crate/DOC.md\n", GFM)
    assert cargo_readme(cargo(tmp_path)) is None
    touch(tmp_path, "README.rst")
    assert cargo_readme(cargo(tmp_path)) == Readme("README.rst\n", "text/x-rst; charset=UTF-8")
    with pytest.raises(ConfigError, match=r"Cargo\.toml: \[package\] readme: there is no file 'X'"):
        cargo_readme(cargo(tmp_path, readme="X"))


def test_one_text_at_two_places_counts_once(tmp_path: Path) -> None:
    crate = tmp_path / "crate"
    crate.mkdir()
    for folder in (tmp_path, crate):
        (folder / "LICENSE").write_text("MIT")
    cargo = CargoFields(directory=crate, workspace_root=tmp_path, license_file="LICENSE")
    assert [name for _, name in read_license({}, [], cargo, tmp_path).files] == ["LICENSE"]
    (crate / "LICENSE").write_text("other")
    assert [name for _, name in read_license({}, [], cargo, tmp_path).files] == ["LICENSE", "crate/LICENSE"]
