"""Bigger projects from PyPI that change their back end from maturin to ours, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.compare import EMPTY_LINES, HOME_PAGE, SAME_REQUIREMENTS, SPELLING, Difference
from support.dropin import COMMON, DropIn, House, check_drop_in, check_ours, check_packed
from support.tools import SCRIPTS, need, run

pytestmark = pytest.mark.real

STABLE = {"RUSTUP_TOOLCHAIN": "stable"}  # its rust-toolchain file names one that is not here
PROJECTS = (
    DropIn("metamorphic-log", "0.1.11", "uniffi behind a feature"),
    DropIn("ahocorasick-rs", "1.0.3", "pyo3, abi3, Python in pysrc", env=STABLE),
    DropIn("zxcvbn-rs-py", "0.3.0", "pyo3, a Python package beside src"),
    DropIn("fastnanoid", "0.4.3", "pyo3, Python in python"),
    DropIn("orjson", "3.13.0", "pyo3-ffi alone"),
    DropIn("arrow-odbc", "10.6.2", "cffi, a cbindgen.toml, Python in python, an entry point", library="odbc"),
    DropIn("uniffi-bindgen", "0.31.0", "a program of two lines"),
)
PACKED = (  # whose source distributions alone are made
    DropIn("minify-html", "0.18.1", "two crates of a workspace"),
    DropIn("nh3", "0.3.7", "pyo3"),
    DropIn("cramjam", "2.14.0", "pyo3"),
    DropIn("pycrdt", "0.14.13", "pyo3, Python in python"),
    DropIn("arro3-core", "0.9.1", "crates of two workspaces"),
    DropIn("safetensors", "0.8.0", "a path dependency beside the bindings"),
    DropIn("nbwipers", "0.7.2", "a program"),
    DropIn("sourmash", "4.9.4", "cffi, a manifest in src/core that include names too"),  # needs RocksDB, in C++
    DropIn("licensepy", "1.1.2", "a program that needs pyo3 too"),
    DropIn("rust-just", "1.59.0", "a program, stripped"),
    DropIn("uuid-utils", "1.2.0", "pyo3, Python in python"),
    DropIn("fastuuid", "0.14.0", "pyo3, a Python package beside src"),
)
WITH_EXTRAS = "sourmash ahocorasick-rs cramjam pycrdt arro3-core safetensors"
WITH_README = (
    "metamorphic-log ahocorasick-rs zxcvbn-rs-py fastnanoid orjson arrow-odbc minify-html nh3 cramjam pycrdt"
    " safetensors nbwipers sourmash licensepy rust-just uuid-utils"
)
NO_PYTHON = "metamorphic-log arrow-odbc"  # or none beside ffi.py
WITH_HOME_PAGE = "metamorphic-log ahocorasick-rs rust-just minify-html arro3-core nbwipers"
OF_SDISTS = (
    Difference(WITH_EXTRAS, SPELLING, SAME_REQUIREMENTS),
    Difference(WITH_README, EMPTY_LINES, "maturin ends it with an empty line"),
    Difference(WITH_HOME_PAGE, "METADATA Home-Page", HOME_PAGE),
    Difference("minify-html", "METADATA Author", "maturin repeats here who stands in Author-email"),
    Difference("fastnanoid", "key package.readme in Cargo.toml", "maturin adds what cargo finds by itself"),
    Difference("arro3-core", "file -pyo3-arrow/Cargo.lock", "that of a dependency, which no build reads"),
)
DIFFERENCES = (
    *COMMON,
    *OF_SDISTS,
    Difference(NO_PYTHON, "content */__init__.py", "words of our own, which leave the same names behind"),
)


@pytest.fixture(scope="module")
def bindgen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which uniffi-bindgen 0.32 is found; its library alone is on the crates registry."""
    crate = tmp_path_factory.mktemp("bindgen")
    (crate / "src").mkdir()
    (crate / "src" / "main.rs").write_text("fn main() {\n    uniffi::uniffi_bindgen_main()\n}\n")
    (crate / "Cargo.toml").write_text(
        '[package]\nname = "uniffi-bindgen"\nversion = "0.32.0"\nedition = "2021"\n\n'
        '[dependencies]\nuniffi = { version = "0.32", features = ["cli"] }\n'
    )
    run([need("cargo"), "build", "-q"], cwd=crate, check=True)
    return {"PATH": os.pathsep.join([str(SCRIPTS), str(crate / "target" / "debug"), os.environ["PATH"]])}


@pytest.mark.parametrize("project", PACKED, ids=str)
def test_source_distributions_are_as_maturin_makes_them(project: DropIn, tmp_path: Path) -> None:
    check_packed(project, tmp_path, OF_SDISTS)


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_all_is_as_maturin_makes_it(project: DropIn, house: House, request: pytest.FixtureRequest) -> None:
    if project.name == "metamorphic-log":
        project = replace(project, env=request.getfixturevalue("bindgen"))
    check_ours(house.ours(project))
    check_drop_in(project, house, DIFFERENCES)
