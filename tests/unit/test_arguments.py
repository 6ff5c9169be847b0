from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.arguments import make_parser, parse, subparser
from matrix.cli import main
from matrix.errors import UsageError
from matrix.flags import COMMANDS


def test_several_interpreters_after_one_flag_and_the_flag_again() -> None:
    options = parse(["build", "-i", "3.10", "3.11", "-r", "-i", "pypy3.11"])
    assert options.interpreter == ["3.10", "3.11", "pypy3.11"]
    assert options.release


def test_words_after_two_dashes_go_to_rustc() -> None:
    options = parse(["build", "--compatibility", "2_28", "--", "-C", "target-cpu=native", "--", "x"])
    assert options.compatibility == ["2_28"]
    assert options.rustc_args == ["-C", "target-cpu=native", "--", "x"]


def test_manylinux_is_compatibility_and_targets_add_up() -> None:
    options = parse(["build", "--manylinux", "2014", "--target", "a", "--target", "b"])
    assert options.compatibility == ["2014"]
    assert options.target == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "strip"), [([], None), (["--strip"], True), (["--strip", "false"], False), (["--strip=true"], True)]
)
def test_strip_is_a_flag_that_may_have_a_value(words: list[str], strip: bool | None) -> None:
    assert parse(["build", *words]).strip is strip


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["build", "--relase"], "unknown option '--relase'", "did you mean '--release'?"),
        (["biuld"], "unknown command 'biuld'", "did you mean 'build'?"),
        ([], "no command given", "wheelmatrix build, or wheelmatrix --help for the others"),
        (["build", "-j", "0"], "-j/--jobs: '0' is not a whole number from 1 to 4096", "wheelmatrix build --help lists"),
        (["build", "--strip=maybe"], "--strip: 'maybe' is neither true nor false", "wheelmatrix build --help"),
        (["build", "project"], "build takes no argument 'project'", "a flag before it?"),
        (["audit"], "audit needs WHEEL", "wheelmatrix audit --help"),
        (["audit", "a.whl", "--", "-C"], "audit takes no rustc arguments (after --)", None),
    ],
)
def test_wrong_words_are_named(words: list[str], message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint or "")
    assert caught.value.exit_code == 2


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=8), max_size=5))
def test_no_words_make_it_fail_otherwise(words: list[str]) -> None:
    try:
        parse(["build", *words])
    except UsageError:
        pass
    except SystemExit as stop:
        assert stop.code == 0  # noqa: PT017 - help and version leave so
        assert {"-h", "--help"} & {word[:2] if word[:2] == "-h" else word for word in words}


def test_usage_errors_leave_with_2_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--xyzzy"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: unknown option '--xyzzy'\nhint: wheelmatrix build --help lists what there is\n"


def test_every_option_has_help() -> None:
    parser = make_parser()
    for name in COMMANDS:
        for action in subparser(parser, name)._actions:
            assert action.help, f"{name} {action.option_strings}"


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom matrix.cli import main\n"
        "try:\n    main(['build', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'anyio', 'rich', 'structlog', 'elftools', 'msgspec', 'packaging'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: wheelmatrix build" in done.stdout
    assert time.monotonic() - started < 5
