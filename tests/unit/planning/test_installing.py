"""Which commands are run, and which are only shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.planning.installing import Means, actions

MEANS = Means(python="/v/bin/python", rustup="/c/rustup", apt="/usr/bin/apt-get", root=True, rust="/cache/rust")
ZIG, CLANG, STD = "pip install 'wheelmatrix[zig]'", "apt-get install clang", "rustup target add a b"
RUST = "curl https://sh.rustup.rs -sSf | sh"


def test_with_every_right_all_is_run() -> None:
    done = actions([ZIG, CLANG, STD, ZIG], MEANS)
    assert [one.command.argv for one in done if one.command is not None] == [
        ("/v/bin/python", "-m", "pip", "install", "wheelmatrix[zig]"),
        ("/usr/bin/apt-get", "install", "-y", "clang"),
        ("/c/rustup", "target", "add", "a", "b"),
    ]
    assert done[0].text == "/v/bin/python -m pip install 'wheelmatrix[zig]'"


def test_the_system_is_left_alone_without_root() -> None:
    (action,) = actions([CLANG], replace(MEANS, root=False))
    assert (action.command, action.why_not) == (None, "it needs root")
    assert action.text == CLANG


def test_other_package_managers_are_told_in_their_words() -> None:
    assert actions([CLANG], replace(MEANS, apt=None, other="brew"))[0].text == "brew install llvm"
    assert actions(["apt-get install mingw-w64"], replace(MEANS, apt=None, other="dnf"))[0].text == (
        "dnf install mingw64-gcc"
    )
    (action,) = actions([CLANG], replace(MEANS, apt=None))
    assert (action.command, action.text) == (None, CLANG)


def test_an_environment_without_pip_is_left_to_who_made_it() -> None:
    (action,) = actions([ZIG], replace(MEANS, pip=False, uv="/bin/uv"))
    assert action.command is None
    assert action.text == "/bin/uv pip install --python /v/bin/python 'wheelmatrix[zig]'"


def test_a_missing_rust_comes_through_rustup_or_by_puccinialin() -> None:
    (action,) = actions(["rustup toolchain install stable"], MEANS)
    assert action.command is not None
    assert action.command.argv == ("/c/rustup", "toolchain", "install", "stable")
    fetch, install = actions([RUST], replace(MEANS, rustup=None))
    assert fetch.command is not None
    assert fetch.command.argv[-2:] == ("install", "puccinialin")
    assert install.command is not None
    assert install.command.argv[1:] == (
        "-m", "puccinialin", "--location", "/cache/rust", "--info-json", "/cache/rust/env.json",
    )  # fmt: skip
    assert all(one.command is None for one in actions([RUST], replace(MEANS, rustup=None, pip=False)))


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="'\"\\"), max_size=30), max_size=4))
def test_a_command_nobody_knows_is_shown_and_never_run(texts: list[str]) -> None:
    known = ("pip", "rustup", "apt-get", "curl")
    strange = [text for text in texts if text.split() and text.split()[0] not in known]
    assert [one.text for one in actions(strange, MEANS)] == list(dict.fromkeys(strange))
    assert all(one.command is None for one in actions(strange, MEANS))
