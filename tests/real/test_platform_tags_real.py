"""Platform tags beside maturin's; a stand-in cargo builds for the host, so that no other standard library is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.tools import need, run

from matrix.errors import UsageError
from matrix.model import Compatibility
from matrix.platforms import PYPI, parse_compatibility, parse_target, platform_tags

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="the stand-in builds ELF files")]

STAND_IN = """#!{python}
import os, sys
words = sys.argv[1:]
if "rustc" in words and "--print" not in words:
    words = words[: words.index("--")] if "--" in words else words
    if "--target" in words:
        at = words.index("--target")
        del words[at : at + 2]
    os.environ.pop("CARGO_ENCODED_RUSTFLAGS", None)
os.execv({cargo!r}, ["cargo", *words])
"""


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crate")
    (root / "src").mkdir()
    (root / "src/main.rs").write_text("fn main() {}\n")
    (root / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n')
    (root / "bin").mkdir()
    (root / "bin/cargo").write_text(STAND_IN.format(python=sys.executable, cargo=need("cargo")))
    (root / "bin/cargo").chmod(0o755)
    return root


def maturin_tags(crate: Path, triple: str, level: str, environ: dict[str, str]) -> tuple[str, ...]:
    out = crate / "out" / f"{triple}-{level}-{'-'.join(environ.values())}"
    argv: list[str | Path] = [need("maturin"), "build", "--target", triple, "--skip-auditwheel", "-o", out]
    path = f"{crate / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run([*argv, "--compatibility", level] if level else argv, cwd=crate, env={"PATH": path, **environ}, check=True)
    (wheel,) = out.glob("*.whl")
    return tuple(wheel.stem.split("-")[-1].split("."))


@pytest.mark.parametrize(
    ("triple", "level", "environ"),
    [
        ("x86_64-unknown-linux-gnu", "linux", {}),
        ("x86_64-unknown-linux-gnu", "2014", {}),
        ("x86_64-unknown-linux-gnu", "2_19", {}),
        ("x86_64-unknown-linux-gnu", "manylinux_3_0", {}),
        ("x86_64-unknown-linux-gnu", "2_28", {"_PYTHON_HOST_PLATFORM": "linux-x86_64"}),
        ("aarch64-unknown-linux-gnu", "manylinux2014", {}),
        ("armv7-unknown-linux-gnueabihf", "2_17", {}),
        ("arm-unknown-linux-gnueabihf", "linux", {}),
        ("armv5te-unknown-linux-gnueabi", "linux", {}),
        ("i586-unknown-linux-gnu", "2_17", {}),
        ("powerpc64le-unknown-linux-gnu", "2_17", {}),
        ("powerpc-unknown-linux-gnu", "linux", {}),
        ("s390x-unknown-linux-gnu", "2_28", {}),
        ("riscv64gc-unknown-linux-gnu", "2_31", {}),
        ("loongarch64-unknown-linux-gnu", "2_36", {}),
        ("sparc64-unknown-linux-gnu", "linux", {}),
        ("x86_64-unknown-linux-musl", "musllinux_1_2", {}),
        ("aarch64-apple-darwin", "", {}),
        ("x86_64-apple-darwin", "", {}),
        ("aarch64-apple-darwin", "2014", {}),
        ("aarch64-apple-darwin", "", {"MACOSX_DEPLOYMENT_TARGET": "10.9"}),
        ("aarch64-apple-darwin", "", {"MACOSX_DEPLOYMENT_TARGET": "12.3.1"}),
        ("x86_64-apple-darwin", "", {"MACOSX_DEPLOYMENT_TARGET": "10.15"}),
        ("x86_64-apple-darwin", "", {"MACOSX_DEPLOYMENT_TARGET": "11.3"}),
        ("aarch64-apple-ios", "", {}),
        ("aarch64-apple-ios-sim", "", {"IPHONEOS_DEPLOYMENT_TARGET": "14.5"}),
        ("aarch64-linux-android", "", {"ANDROID_API_LEVEL": "21"}),
        ("i686-linux-android", "", {"ANDROID_API_LEVEL": "24"}),
        ("wasm32-unknown-emscripten", "", {"PYEMSCRIPTEN_PLATFORM_VERSION": "2025_0"}),
    ],
)
def test_the_tags_are_maturins(crate: Path, triple: str, level: str, environ: dict[str, str]) -> None:
    wish = parse_compatibility(level) if level else None
    assert wish != PYPI
    assert isinstance(wish, Compatibility | None)
    assert platform_tags(parse_target(triple), wish, environ) == maturin_tags(crate, triple, level, environ)


@pytest.mark.parametrize(
    ("triple", "environ", "ours", "theirs"),
    [
        # what `uname -m` says there, and so what installers look for
        ("mips64el-unknown-linux-gnuabi64", {}, "linux_mips64", "linux_mips64el"),
        # PEP 730: Python needs iOS 13
        (
            "aarch64-apple-ios",
            {"IPHONEOS_DEPLOYMENT_TARGET": "12.0"},
            "ios_13_0_arm64_iphoneos",
            "ios_12_0_arm64_iphoneos",
        ),
        # one variable must not give the wheels of every target the same tag
        ("aarch64-unknown-linux-gnu", {"_PYTHON_HOST_PLATFORM": "linux-x86_64"}, "linux_aarch64", "linux_x86_64"),
    ],
)
def test_where_the_tags_differ_on_purpose(
    crate: Path, triple: str, environ: dict[str, str], ours: str, theirs: str
) -> None:
    assert platform_tags(parse_target(triple), None, environ) == (ours,)
    assert maturin_tags(crate, triple, "linux", environ) == (theirs,)


def test_the_release_of_a_foreign_system_is_not_guessed(crate: Path) -> None:
    with pytest.raises(UsageError, match="the release of freebsd is not known"):
        platform_tags(parse_target("x86_64-unknown-freebsd"))
    (tag,) = maturin_tags(crate, "x86_64-unknown-freebsd", "", {})
    assert os.uname().release.replace(".", "_").replace("-", "_").lower() in tag, "maturin takes this kernel's"
