from __future__ import annotations

from pathlib import Path

import pytest

from matrix.arguments import parse
from matrix.errors import UsageError
from matrix.model import CellStatus
from matrix.publishing import building_options, refused


@pytest.mark.parametrize(
    ("words", "environ", "profile", "strip"),
    [
        ([], {}, "release", True),
        (["--debug"], {}, None, True),
        (["--no-strip"], {}, "release", False),
        (["--strip=false"], {}, "release", False),
        ([], {"MATURIN_STRIP": "false"}, "release", None),
    ],
)
def test_a_release_is_built_as_maturin_builds_it(
    words: list[str], environ: dict[str, str], profile: str | None, strip: bool | None
) -> None:
    options = building_options(parse(["publish", *words]), environ)
    assert (options.command, options.default_profile, options.strip, options.sdist) == ("build", profile, strip, True)


def test_flags_of_a_release() -> None:
    options = parse(["publish", "-r", "mine", "--release", "--no-sdist", "-j", "2", "--", "-C", "x"])
    assert (options.repository, options.release, options.sdist, options.jobs) == ("mine", True, False, 2)
    assert options.rustc_args == ["-C", "x"]
    assert parse(["build", "-r"]).release is True
    with pytest.raises(UsageError, match="--debug and --release contradict each other"):
        building_options(parse(["publish", "--debug", "--release"]), {})


@pytest.mark.parametrize(
    ("cells", "code", "made", "partial", "exit_code", "words"),
    [
        (["built", "reused", "skipped"], 0, True, False, None, ""),
        (["built", "failed", "skipped"], 1, True, False, 1, "1 of 2 wheels could not be built"),
        (["built", "failed", "cancelled"], 1, True, False, 1, "2 of 3 wheels could not be built"),
        (["built", "failed"], 1, True, True, None, ""),
        (["failed"], 1, False, True, 1, "nothing was built"),
        (["skipped"], 0, False, False, 1, "nothing was built"),
        (["built"], 1, True, False, 1, "the report could not be written"),
        (["built", "cancelled"], 130, True, True, 130, "the build was interrupted"),
    ],
)
def test_what_keeps_a_release_here(
    cells: list[CellStatus],
    code: int,
    made: bool,
    partial: bool,
    exit_code: int | None,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = [Path("a.whl")] if made else []
    assert refused(cells, code, files, partial=partial) == exit_code
    err = capsys.readouterr().err
    assert err.startswith(f"error: nothing was uploaded: {words}\n" if words else "")
    assert bool(err) is bool(words)
