"""Source distributions through the real command, beside maturin's, and built from by maturin."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from packaging.errors import ExceptionGroup
from support.compare import (
    EMPTY_LINES,
    HOME_PAGE,
    SAME_REQUIREMENTS,
    SPELLING,
    Difference,
    check_found,
    sdist_differences,
)
from support.judges import check_distribution
from support.projects import copy_project, fetch_sdist, unpack
from support.sdists import make_both, nested_project, read_sdist, rust_and_src_project
from support.tools import PROJECTS, Ran, need, run
from support.wheels import look_inside, tiny_wheel

from matrix.archives import Entry
from matrix.sources import write_sdist

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]

OURS = sorted(path.parent.name for path in PROJECTS.glob("*/pyproject.toml"))
FROM_PYPI = [  # too big to be built by both tools, as the projects of test_drop_in_real.py are
    ("rpds_py", "0.30.0"),
    ("pydantic_core", "2.50.4"),  # python-source
    ("cryptography", "50.0.2"),  # a workspace below pyproject.toml, sdist-generator git
    ("tokenizers", "0.23.3"),  # a path dependency beside the bindings, a manifest path of its own
    ("watchfiles", "1.3.0"),
]
WITH_README = "mixed-src workspace rpds_py pydantic_core cryptography tokenizers watchfiles"
DIFFERENCES = (
    Difference(WITH_README, EMPTY_LINES, "maturin ends it with an empty line"),
    Difference("mixed-src cryptography tokenizers", SPELLING, SAME_REQUIREMENTS),
    Difference("mixed-src", "key package.readme in Cargo.toml", "maturin adds what cargo finds by itself"),
    Difference("workspace", "METADATA Author", "maturin repeats here who stands in Author-email"),
    Difference("pydantic_core watchfiles", "METADATA Home-Page", HOME_PAGE),
    *(
        Difference("import-names", f"METADATA {field}", "maturin knows nothing of import names")
        for field in ("Metadata-Version", "Import-Name", "Import-Namespace")
    ),
)


def assert_alike(project: str, ours: Path, theirs: Path) -> None:
    """Every difference of both archives is in the table, and judges accept ours."""
    check_found(project, sdist_differences(ours, theirs), DIFFERENCES)
    check_distribution(ours)


@pytest.mark.parametrize("name", OURS)
def test_our_projects_are_packed_as_maturin_packs_them(name: str, tmp_path: Path) -> None:
    need("cargo")
    assert_alike(name, *make_both(copy_project(name, tmp_path), tmp_path / "out"))


def _made_up(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    entries = [Entry(name, text.encode()) for name, text in files.items()]
    write_sdist(folder / "demo-1.tar.gz", entries)
    return folder / "demo-1.tar.gz"


def test_every_kind_of_difference_is_seen_and_judged(tmp_path: Path) -> None:
    said = "Metadata-Version: 2.4\nName: demo\nVersion: 1\n"
    ours = {"PKG-INFO": f"{said}\ntext", "a": "1", "Cargo.toml": "[a]\nb = 1 # words\nc = 1", "mine": ""}
    theirs = {"PKG-INFO": f"{said}Summary: s\n\ntext\n", "a": "2", "Cargo.toml": "a.c = 2\na.b = 1", "other": ""}
    pair = _made_up(tmp_path / "ours", ours), _made_up(tmp_path / "theirs", theirs)
    fields = ["file +mine", "file -other", "key a.c in Cargo.toml", "METADATA Summary", EMPTY_LINES, "content a"]
    assert [name for name, _ in sdist_differences(*pair)] == fields
    with pytest.raises(AssertionError, match="not in the table:\ndemo: content a"):
        check_found("demo", [("content a", "")], [])
    with pytest.raises(AssertionError, match="not met"):
        check_found("demo", [], [Difference("demo", "content a", "")])
    check_distribution(pair[0])
    for spoilt in ("License-File: LICENSE\n", "Nonsense: 1\n", "Requires-Dist: a b\n"):
        with pytest.raises((AssertionError, ExceptionGroup)):
            check_distribution(_made_up(tmp_path / spoilt[:3], {**ours, "PKG-INFO": said + spoilt}))
    with pytest.raises(AssertionError):
        check_distribution(tiny_wheel(tmp_path))  # whose RECORD has no digests


@pytest.mark.parametrize(("name", "version"), FROM_PYPI)
def test_projects_from_pypi_are_packed_as_maturin_packs_them(name: str, version: str, tmp_path: Path) -> None:
    root = unpack(fetch_sdist(name, version), tmp_path / "project")
    (root / "PKG-INFO").unlink()  # maturin stops at the one of the sdist that this project came in
    git = need("git")
    run([git, "init", "-q"], cwd=root, check=True)
    run([git, "add", "--all", "--force"], cwd=root, check=True)
    assert_alike(name, *make_both(root, tmp_path / "out"))


def test_import_names_are_told(tmp_path: Path) -> None:
    root = copy_project("hello-pyo3", tmp_path)
    path = root / "pyproject.toml"
    names = 'import-names = ["hello_pyo3", "hello_pyo3._x; private"]\nimport-namespaces = ["beside"]'
    path.write_text(path.read_text().replace("[project]", f"[project]\n{names}"))
    ours, theirs = make_both(root, tmp_path / "out")
    assert_alike("import-names", ours, theirs)
    metadata = check_distribution(ours)
    assert metadata.metadata_version == "2.5"
    assert metadata.import_names == ["hello_pyo3", "hello_pyo3._x; private"]
    assert metadata.import_namespaces == ["beside"]


def test_an_unpacked_source_distribution_can_be_packed_again(tmp_path: Path, wheelmatrix: Wheelmatrix) -> None:
    root = unpack(fetch_sdist("rpds-py", "0.30.0"), tmp_path)
    ran = wheelmatrix("sdist", "-o", tmp_path / "out", cwd=root)
    assert ran.exit == 0, ran
    first, again = read_sdist(fetch_sdist("rpds-py", "0.30.0")), read_sdist(tmp_path / "out" / "rpds_py-0.30.0.tar.gz")
    hidden = {name for name in first if name.startswith(".")}  # cargo lists those only where git does
    assert sorted(set(first) - hidden) == sorted(again)
    first = {name: first[name] for name in again}
    assert [name for name in first if first[name] != again[name]] in ([], ["PKG-INFO"])


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nested_project(tmp_path_factory.mktemp("nested"))


@pytest.fixture(scope="module")
def both(nested: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_both(nested, tmp_path_factory.mktemp("both"))


def test_a_nested_project_is_packed_with_what_it_needs(both: tuple[Path, Path]) -> None:
    ours, theirs = map(read_sdist, both)
    more = {
        # the path that License-File gives, which an index looks at; maturin has the copy beside the crate alone
        "LICENSE",
    }
    # `include` names the manifest, which is packed in its place; maturin's raw copy at the top is in cargo's way
    assert set(theirs) - set(ours) == {"Cargo.toml"}
    assert set(ours) - set(theirs) <= more
    assert tomli.loads(ours["workspace/Cargo.toml"].decode())["workspace"]["members"] == ["crates/*"]
    assert "default-members" not in ours["workspace/Cargo.toml"].decode()
    assert "bench" not in tomli.loads(ours["workspace/crates/core/Cargo.toml"].decode())
    project = tomli.loads(ours["pyproject.toml"].decode())
    assert project["tool"]["maturin"]["manifest-path"] == "workspace/crates/python/Cargo.toml"
    assert project["tool"]["maturin"]["python-source"] == "py"
    assert ours[project["project"]["readme"]].startswith(b"#")
    assert not any("cli" in name or name.endswith(".so") for name in ours)
    for line in ours["PKG-INFO"].decode().splitlines():
        if line.startswith("License-File: "):
            assert line.partition(": ")[2] in ours


def test_the_same_project_gives_the_same_bytes(nested: Path, both: tuple[Path, Path], tmp_path: Path) -> None:
    ran = run([need("wheelmatrix"), "sdist", "-o", tmp_path], cwd=nested, check=True)
    assert ran.stdout.strip() == str(tmp_path / both[0].name)
    assert (tmp_path / both[0].name).read_bytes() == both[0].read_bytes()
    later = {"SOURCE_DATE_EPOCH": "1700000000"}
    run([need("wheelmatrix"), "sdist", "-o", tmp_path], cwd=nested, env=later, check=True)
    assert (tmp_path / both[0].name).read_bytes() != both[0].read_bytes()
    assert read_sdist(tmp_path / both[0].name) == read_sdist(both[0])


def test_wheels_are_built_from_it_and_a_second_time_for_nothing(nested: Path, tmp_path: Path) -> None:
    """By wheelmatrix, and by maturin from our archive: both wheels hold the same files."""
    words: list[str | Path] = [need("wheelmatrix"), "build", "--sdist", "-i", sys.executable, "-o", tmp_path]
    first = run(words, cwd=nested, check=True)
    lines = first.stdout.splitlines()
    assert lines[0].endswith("workspace_demo-2.1.0.tar.gz")
    assert lines[1].endswith(".whl")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["sdist"]["file"] == "workspace_demo-2.1.0.tar.gz"
    assert report["sdist"]["size"] == Path(lines[0]).stat().st_size
    second = run(words, cwd=nested, check=True)
    assert second.stdout == first.stdout
    assert "unchanged" in second.stderr
    assert second.seconds < 15

    root = unpack(Path(lines[0]), tmp_path / "unpacked")
    target = nested.parents[1] / "target" / "wheelmatrix" / "sdist" / "maturin"  # compiles beside, once
    words = [need("maturin"), "build", "--offline", "-i", sys.executable, "-o", tmp_path / "maturin"]
    run([*words, "--target-dir", target], cwd=root, check=True)
    (theirs,) = (tmp_path / "maturin").glob("*.whl")
    wheel = look_inside(Path(lines[1]))
    assert wheel.metadata.as_string() == read_sdist(Path(lines[0]))["PKG-INFO"].decode()
    ours = wheel.files
    assert {name for name in ours if "sboms" not in name} == {
        name for name in look_inside(theirs).files if "sboms" not in name
    }
    assert "workspace_demo/__init__.py" in ours


def test_a_crate_in_rust_beside_python_in_src(tmp_path: Path, wheelmatrix: Wheelmatrix) -> None:
    root = rust_and_src_project(tmp_path)
    ours, theirs = map(read_sdist, make_both(root, tmp_path / "out"))
    more = {
        # an optional dependency that is off: cargo loads its manifest all the same, and stops without it
        "extra/Cargo.toml",
        "extra/src/lib.rs",
        # what the wheel takes from outside the crate: maturin's archive makes another wheel than its project
        "hello_pyo3.data/data/share/hello.txt",
    }
    assert set(ours) - set(theirs) == more
    assert set(theirs) - set(ours) == set()
    unpacked = unpack(next((tmp_path / "out" / "wheelmatrix").iterdir()), tmp_path / "unpacked")
    planned = wheelmatrix("plan", "--offline", "-i", sys.executable, cwd=unpacked)
    assert planned.exit == 0, planned
    stopped = unpack(next((tmp_path / "out" / "maturin").iterdir()), tmp_path / "stopped")
    assert "extra/Cargo.toml" in wheelmatrix("plan", "--offline", "-i", sys.executable, cwd=stopped).stderr


def test_git_says_what_is_packed(project: Copy, tmp_path: Path, wheelmatrix: Wheelmatrix) -> None:
    root = project("hello-pyo3", git=True)
    path = root / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.maturin]\nsdist-generator = "git"\nexclude = ["*.pyi"]\n')
    (root / "untracked.txt").write_text("")
    refused = wheelmatrix("sdist", cwd=root)
    assert refused.exit == 2
    assert "git tracks no file" in refused.stderr
    run(
        [need("git"), "add", "Cargo.toml", "Cargo.lock", "pyproject.toml", "src", "hello_pyo3.pyi"],
        cwd=root,
        check=True,
    )
    ours, theirs = make_both(root, tmp_path / "out")
    assert_alike("of-git", ours, theirs)
    assert sorted(read_sdist(ours)) == ["Cargo.lock", "Cargo.toml", "PKG-INFO", "pyproject.toml", "src/lib.rs"]


def _no_build_system(root: Path) -> None:
    text = (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(text[text.index("[project]") :])


def _cyclic_link(root: Path) -> None:
    (root / "src" / "round.rs").symlink_to("round.rs")


def _link_out(root: Path) -> None:
    (root / "src" / "passwd").symlink_to("/etc/passwd")


def _missing_readme(root: Path) -> None:
    text = (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(text.replace("[project]", '[project]\nreadme = "READ.md"'))


def _missing_licence(root: Path) -> None:
    text = (root / "Cargo.toml").read_text()
    (root / "Cargo.toml").write_text(text.replace('license = "MIT"', 'license-file = "LIC"'))


def _excluded_licence(root: Path) -> None:
    (root / "LICENSE").write_text("MIT")
    with (root / "pyproject.toml").open("a") as file:
        file.write('\n[tool.maturin]\nexclude = ["LICENSE"]\n')


def _missing_dependency(root: Path) -> None:
    with (root / "Cargo.toml").open("a") as file:
        file.write('\nnowhere = { path = "../nowhere" }\n')


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_build_system, "needs a [build-system] table"),
        (_cyclic_link, "round.rs"),
        (_link_out, "src/passwd: the link leads out of the project"),
        (_missing_readme, "there is no file 'READ.md'"),
        (_missing_licence, "there is no file 'LIC'"),
        (_excluded_licence, "License-File 'LICENSE' would not be in the source distribution"),
        (_missing_dependency, "nowhere"),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    spoil: Callable[[Path], None], words: str, project: Copy, wheelmatrix: Wheelmatrix, tmp_path: Path
) -> None:
    root = project("hello-pyo3")
    spoil(root)
    for command in (["sdist"], ["build", "--sdist"]):
        ran = wheelmatrix(*command, "-o", tmp_path / "out", cwd=root)
        assert ran.exit == 2, ran
        assert ran.stdout == "", ran
        assert words in ran.stderr, ran
        assert "Traceback" not in ran.stderr, ran
        assert not (tmp_path / "out").exists(), ran


def test_one_that_cannot_build_is_found_at_once(project: Copy, wheelmatrix: Wheelmatrix) -> None:
    root = project("mixed-src")
    path = root / "pyproject.toml"
    path.write_text(path.read_text().replace("exclude = [", 'exclude = ["src/lib.rs", '))
    ran = wheelmatrix("build", "--sdist", "-i", sys.executable, cwd=root)
    assert ran.exit == 2, ran
    assert "error: mixed_src-1.2.0rc1.tar.gz, unpacked: " in ran.stderr, ran
    assert "src/lib.rs" in ran.stderr, ran


def test_a_manifest_elsewhere_is_named(nested: Path, both: tuple[Path, Path], tmp_path: Path) -> None:
    run([need("wheelmatrix"), "sdist", "-m", nested / "Cargo.toml", "-o", "here"], cwd=tmp_path, check=True)
    assert (tmp_path / "here" / both[0].name).read_bytes() == both[0].read_bytes()
