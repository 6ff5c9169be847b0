"""Releases built and uploaded in one command, to a real index, and installed from it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.index import PASSWORD, USER, PackageIndex
from support.reports import read_report
from support.tools import Ran, run

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]
WHO = {"MATURIN_USERNAME": USER, "MATURIN_PASSWORD": PASSWORD}
QUICK = ("--debug", "--no-strip", "-j2")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]

TELLTALE = """\
fn main() {
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR").unwrap());
    let all: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    std::fs::write(out.join("environment.txt"), all.join("\\n")).unwrap();
}
"""
MENDED_FOR_311 = """
[[tool.wheelmatrix.overrides]]
select = { interpreter = "cp311" }
features = ["mended"]
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with PackageIndex(tmp_path / "index") as running:
        yield running


def test_a_release_is_built_uploaded_and_installed(
    wheelmatrix: Wheelmatrix, project: Copy, index: PackageIndex, pythons: dict[str, Path], tmp_path: Path
) -> None:
    root = project("ffi-only")
    to = ("--repository-url", index.url)
    flags = ("-i", pythons["3.11"], pythons["3.12"], "-u", USER, f"-qp{PASSWORD}", *to, *QUICK)
    ran = wheelmatrix("publish", *flags, cwd=root)
    assert ran.exit == 0, ran
    files = [Path(line).name for line in ran.stdout.splitlines()]
    assert [name.rpartition(".")[2] for name in files] == ["whl", "whl", "gz"], "wheels first"
    assert index.files == sorted(files)
    assert ran.stderr == "", "quiet"
    report = read_report(root / "target" / "wheels" / "report.json")
    assert PASSWORD not in json.dumps(report, ensure_ascii=False)
    assert f"-qp{'***'}" in report["argv"]

    from_index = ["--index-url", index.simple, "--no-deps"]
    run([*PIP, "install", *from_index, "--target", "into", "ffi-only"], cwd=tmp_path, check=True)
    run([sys.executable, "-c", "import ffi_only"], cwd=tmp_path / "into", check=True)
    fetch = ["download", *from_index, "--no-build-isolation", "--no-binary", ":all:", "ffi-only"]
    run([*PIP, *fetch], cwd=tmp_path, check=True)
    assert (tmp_path / files[2]).read_bytes() == (root / "target" / "wheels" / files[2]).read_bytes()

    again = wheelmatrix("publish", *flags, cwd=root)
    assert again.exit == 1
    assert "is on the index already, with the same content" in again.stderr
    skipping = wheelmatrix("publish", *flags, "--skip-existing", cwd=root)
    assert (skipping.exit, skipping.stdout) == (0, ""), skipping


def test_half_a_release_stays_here(
    wheelmatrix: Wheelmatrix, project: Copy, index: PackageIndex, pythons: dict[str, Path]
) -> None:
    root = project("broken-compile")
    (root / "build.rs").write_text(TELLTALE, encoding="utf-8")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(MENDED_FOR_311)
    both = ("-i", pythons["3.11"], pythons["3.12"], "--no-sdist", "--repository-url", index.url, *QUICK)
    ran = wheelmatrix("publish", *both, "--no-seed", cwd=root, env=WHO)
    assert ran.exit == 1, ran
    assert ran.stdout == ""
    assert "error: nothing was uploaded: 1 of 2 wheels could not be built\nhint: --partial uploads" in ran.stderr
    assert index.files == []
    (wheel,) = (root / "target" / "wheels").glob("*.whl")

    seen = [path.read_text(encoding="utf-8") for path in (root / "target").rglob("environment.txt")]
    assert seen
    for text in seen:
        assert "OUT_DIR=" in text
        assert "MATURIN_PASSWORD" not in text
        assert PASSWORD not in text

    partial = wheelmatrix("publish", *both, "--partial", "-vv", cwd=root, env=WHO)
    assert partial.exit == 1, "a wheel is missing all the same"
    assert partial.stdout.splitlines() == [os.path.relpath(wheel, root)]
    assert index.files == [wheel.name]
    assert PASSWORD not in partial.stderr
    for path in (root / "target" / "wheelmatrix" / "logs").rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("-r", "nowhere"), "Missing 'nowhere' section from ~/.pypirc"),
        (("--repository-url", "ftp://host/"), "Invalid repository URL"),
        (("--repository-url", "http://127.0.0.1:9/", "--non-interactive"), "no name or no password to upload with"),
        (("-r", "nameless"), "~/.pypirc: section nameless names no repository"),
        (("--debug", "--release"), "--debug and --release contradict each other"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_built(
    flags: tuple[str, ...], message: str, wheelmatrix: Wheelmatrix, project: Copy, tmp_path: Path
) -> None:
    root = project("ffi-only")
    text = "[distutils]\nindex-servers = nameless\n[nameless]\nusername = a\npassword = s3cr3t-word\n"
    (tmp_path / ".pypirc").write_text(text, encoding="utf-8")
    real = Path.home()
    env = {
        "HOME": str(tmp_path),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    ran = wheelmatrix("publish", *flags, cwd=root, env=env)
    assert ran.exit == 2, ran
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "s3cr3t" not in ran.stderr
    assert ran.stdout == ""
    assert not (root / "target").exists()


@pytest.mark.parametrize(
    ("flags", "profile", "strip"), [((), "release", True), (("--debug", "--no-strip"), "dev", False)]
)
def test_the_plan_of_a_release_needs_no_index(
    flags: tuple[str, ...], profile: str, strip: bool, wheelmatrix: Wheelmatrix, project: Copy
) -> None:
    ran = wheelmatrix("publish", "--plan", "--json", *flags, cwd=project("ffi-only"))
    assert ran.exit == 0, ran
    (build,) = json.loads(ran.stdout)["builds"]
    assert build["settings"]["profile"] == profile
    assert bool(build["settings"]["strip"]) is strip
