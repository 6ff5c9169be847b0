"""The configuration files are given to the PyO3 releases they are written for, which say how they understood them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.planning import installed
from support.tools import need, run

from matrix.model import StableAbi
from matrix.planning.pyo3_config import pyo3_config
from matrix.platforms import parse_target

pytestmark = pytest.mark.real

HOST = parse_target("x86_64-unknown-linux-gnu")
Ask = Callable[..., Mapping[str, str]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Give a file to a release of pyo3-ffi with some features, and return what it read; it stops before compiling."""
    cargo = need("cargo")
    base = tmp_path_factory.mktemp("asked")

    def asked(
        version: str, text: str, features: tuple[str, ...], target: str = "", env: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        root = base / version
        (root / "src").mkdir(parents=True, exist_ok=True)
        (root / "src/lib.rs").touch()
        wanted = ", ".join(f'"{feature}"' for feature in features)
        (root / "Cargo.toml").write_text(
            '[package]\nname = "asks"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n'
            f'[dependencies]\npyo3-ffi = {{ version = "={version}", features = [{wanted}] }}\n',
            encoding="utf-8",
        )
        config = root / "config.txt"
        config.write_text(text, encoding="utf-8")
        told = {"PYO3_CONFIG_FILE": str(config), "PYO3_PRINT_CONFIG": "1", "PYO3_BUILD_EXTENSION_MODULE": "1"}
        words = ["--target", target] if target else []
        ran = run([cargo, "check", *words], cwd=root, env={**(env or {}), **told})
        before, found, after = ran.stderr.partition("PYO3_PRINT_CONFIG=1 is set")
        assert found, str(ran)
        assert "unknown config key" not in before, before
        assert "deprecated" not in before, before
        lines = (line.strip().partition("=") for line in after.splitlines()[1:])
        return {key: value for key, is_set, value in lines if is_set and " " not in key}

    return asked


def expect(printed: Mapping[str, str], text: str, *, without: tuple[str, ...] = ()) -> None:
    """What was printed is what was written, but for what features overrule."""
    written = dict(line.split("=", 1) for line in text.splitlines())
    assert {key: printed.get(key) for key in written if key not in without} == {
        key: value for key, value in written.items() if key not in without
    }
    assert "executable" not in printed
    assert "lib_dir" not in printed


@pytest.mark.parametrize("version", ["0.16.6", "0.23.5", "0.27.2", "0.30.1"])
def test_each_release_understands_its_file(version: str, ask: Ask) -> None:
    cp310, pypy = installed("3.10", "pypy3.9" if version == "0.16.6" else "pypy3.11")
    text = pyo3_config(cp310, None, HOST, version)
    expect(ask(version, text, ()), text)
    text = pyo3_config(pypy, None, HOST, version)
    expect(ask(version, text, ()), text)
    abi3 = StableAbi(kind="abi3", version=(3, 9))
    text = pyo3_config(cp310, abi3, HOST, version)
    expect(ask(version, text, ("abi3-py39",)), text)


@pytest.mark.parametrize(
    ("version", "pythons", "triples"),
    [
        ("0.27.2", "3.13t pypy3.11", "x86_64-unknown-linux-musl x86_64-pc-windows-gnu"),  # slow: it compiles each file
        (
            "0.30.1", "3.10 3.14t 3.15 pypy3.12",
            "aarch64-unknown-linux-gnu x86_64-unknown-linux-musl aarch64-apple-darwin x86_64-pc-windows-gnu",
        ),
    ],
)  # fmt: skip
def test_files_for_other_platforms_are_understood(
    version: str, pythons: str, triples: str, ask: Ask, cross_env: dict[str, str]
) -> None:
    for triple in triples.split():
        target = parse_target(triple)
        for python in installed(*pythons.split(), target=target):
            text = pyo3_config(python, None, target, version)
            printed = ask(version, text, (), triple, cross_env)
            expect(printed, text)
            if target.os == "windows":
                assert printed["lib_name"] == python.lib_name
        stable = StableAbi(kind="abi3", version=(3, 10))
        text = pyo3_config(None, stable, target, version)
        printed = ask(version, text, ("abi3-py310",), triple, cross_env)
        expect(printed, text)
        assert target.os != "windows" or printed["lib_name"] == "python3"


@pytest.mark.parametrize(("version", "python"), [("0.27.2", "3.13t"), ("0.30.1", "3.14t")])
def test_free_threaded_python_is_told_by_flag_or_abi(version: str, python: str, ask: Ask) -> None:
    (threaded,) = installed(python)
    text = pyo3_config(threaded, None, HOST, version)
    printed = ask(version, text, ())
    expect(printed, text)
    assert printed["build_flags"] == "Py_GIL_DISABLED"
    under_abi3 = ask(version, text, ("abi3-py39",))  # which does not serve it
    assert under_abi3.get("target_abi", "CPython-free_threaded-3.13") == f"CPython-free_threaded-{python[:-1]}"


def test_abi3t_is_chosen_by_the_file(ask: Ask) -> None:
    abi3, abi3t = StableAbi(kind="abi3", version=(3, 10)), StableAbi(kind="abi3t", version=(3, 15))
    features = ("abi3-py310", "abi3t-py315")
    for abi in (abi3, abi3t):
        text = pyo3_config(None, abi, HOST, "0.30.1")
        expect(ask("0.30.1", text, features), text, without=("build_flags",))


def test_below_the_floor_new_releases_refuse_and_old_ones_obey(ask: Ask) -> None:
    (cp39,) = installed("3.9")
    text = pyo3_config(cp39, None, HOST, "0.16.6")
    expect(ask("0.16.6", text, ("abi3-py310",)), text)
    for version in ("0.23.5", "0.30.1"):
        with pytest.raises(AssertionError, match=r"cannot set a minimum Python version 3\.10 higher"):
            ask(version, pyo3_config(cp39, None, HOST, version), ("abi3-py310",))


def test_an_older_release_without_its_feature_links_no_libpython(tmp_path: Path) -> None:
    cargo = need("cargo")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.rs").write_text(
        '#[no_mangle]\npub unsafe extern "C" fn asks() -> i32 { pyo3_ffi::Py_IsInitialized() }\n', encoding="utf-8"
    )
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "asks"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n'
        '[lib]\ncrate-type = ["cdylib"]\n[dependencies]\npyo3-ffi = "=0.23.5"\n',
        encoding="utf-8",
    )
    config = tmp_path / "config.txt"
    config.write_text(pyo3_config(installed("3.12")[0], None, HOST, "0.23.5"), encoding="utf-8")
    run([cargo, "build"], cwd=tmp_path, env={"PYO3_CONFIG_FILE": str(config)}, check=True)
    made = (tmp_path / "target/debug/libasks.so").read_bytes()
    assert b"Py_IsInitialized\0" in made
    assert b"libpython" not in made
