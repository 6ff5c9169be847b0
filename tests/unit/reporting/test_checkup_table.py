from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.golden import assert_golden

from matrix.checkup import CheckedDriver, CheckedProject, CheckedTool, Checkup, Pythons, Remark, Standards
from matrix.reporting.checkup_table import render_checkup
from matrix.reporting.text import ASCII

GOLDEN = Path(__file__).with_name("golden")
EXTRA = "pip install 'wheelmatrix[xwin]'"


def tool(name: str, version: str | None = None, *, install: str = "", needed: bool = True) -> CheckedTool:
    path = f"/usr/bin/{name}" if version is not None else None
    return CheckedTool(name=name, path=path, version=version or None, needed=needed, install=install)


LACKING = Checkup(
    host="x86_64-unknown-linux-gnu",
    project=CheckedProject(name="mylib", version="1.4.0", bindings="pyo3 0.30.1", cells=34, buildable=20),
    ready=False,
    drivers=(
        CheckedDriver(
            name="cargo",
            needed=True,
            ready=True,
            tools=(tool("cargo", "1.95.0"), tool("rustc", "1.95.0"), tool("gcc", "", needed=False)),
        ),
        CheckedDriver(
            name="xwin",
            needed=True,
            ready=False,
            tools=(
                tool("cargo-xwin", install=EXTRA),
                tool("clang", install="apt-get install clang"),
                tool("lld-link", "14.0.6"),
                tool("llvm-lib", install="apt-get install llvm", needed=False),
            ),
            remarks=(Remark(text="its licence was not accepted", hint="say so once\x1b[2J"),),
        ),
        CheckedDriver(name="zig", needed=False, ready=True, tools=(tool("zig", "0.15.2"),)),
    ),
    stds=Standards(
        found=("x86_64-unknown-linux-gnu",),
        missing=("aarch64-unknown-linux-gnu",),
        install="rustup target add aarch64-unknown-linux-gnu",
    ),
    pythons=Pythons(found=("3.12", "3.13"), tables=("3.14t", "pypy3.11")),
    problems=(Remark(text="cp312-sparc64-unknown-linux-gnu: no driver here builds for it", hint="leave it out"),),
    commands=(EXTRA,),
)
ALONE = Checkup(
    host="x86_64-unknown-linux-gnu",
    project=None,
    ready=True,
    drivers=(
        CheckedDriver(name="cargo", needed=True, ready=True, tools=(tool("cargo", "1.95.0"),)),
        CheckedDriver(name="zig", needed=False, ready=True, tools=(tool("zig", "0.15.2"),)),
        CheckedDriver(name="xwin", needed=False, ready=True, tools=(tool("cargo-xwin", install=EXTRA),)),
    ),
    pythons=Pythons(found=("3.12",)),
)


def test_a_machine_that_lacks_something() -> None:
    assert_golden(GOLDEN / "checkup.txt", render_checkup(LACKING))
    assert render_checkup(LACKING, symbols=ASCII).isascii()


@pytest.mark.parametrize(
    ("found", "row"),
    [
        (tool("cbindgen", "0.29.4"), "✓ cbindgen 0.29.4"),
        (
            tool("cbindgen", install="cargo install --locked cbindgen@0.29.2", needed=False),
            "– none; the first build that needs it compiles one (cargo install --locked cbindgen@0.29.2)",
        ),
    ],
)
def test_what_writes_headers_has_a_row_where_it_is_wanted(found: CheckedTool, row: str) -> None:
    assert f"\n  cbindgen  {row}\n" in render_checkup(msgspec.structs.replace(ALONE, header=found))
    assert "cbindgen" not in render_checkup(ALONE)


def test_a_machine_alone() -> None:
    assert_golden(GOLDEN / "checkup_alone.txt", render_checkup(ALONE))


def test_colour_changes_no_word() -> None:
    colored = render_checkup(LACKING, color=True)
    assert "\x1b[1;31m✗\x1b[0m" in colored
    assert "\x1b[2J" not in colored
