"""Interpreters of this machine: what they say of themselves, what the tables say of them, and how they are found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.tools import find_python, lacking, need

from matrix.errors import UsageError
from matrix.model import Interpreter
from matrix.platforms import (
    UNIVERSAL2,
    World,
    default_interpreter,
    find_installations,
    find_named,
    host_target,
    inspect_executables,
    known_interpreter,
    known_triples,
    suits,
)
from matrix.platforms.answers import AnswerCache
from matrix.platforms.inspect import TIME_LIMIT
from matrix.platforms.probe import Answer, interpreter_of

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform == "win32", reason="pyenv is a POSIX tool")]

VERSIONS = ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
ASK = """
import json, struct, sys, sysconfig
names = ("EXT_SUFFIX", "SOABI", "LDLIBRARY", "Py_ENABLE_SHARED", "LDVERSION")
told = {name: sysconfig.get_config_var(name) for name in names}
told.update(abiflags=sys.abiflags, bits=8 * struct.calcsize("P"), platform=sysconfig.get_platform())
print(json.dumps(told))
"""


def world(tmp_path: Path, path: str = "", **environ: str) -> World:
    """This machine, but for PATH, and with a cache of its own."""
    cache = {"WHEELMATRIX_CACHE_DIR": str(tmp_path / "cache"), "PYENV_ROOT": str(tmp_path / "none")}
    return World(
        environ={**cache, "HOME": str(tmp_path), "PATH": path, **environ}, cwd=tmp_path, opt=tmp_path / "no-opt"
    )


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def output(*argv: str | Path, **environ: str) -> str:
    """Run a program to its end and return what it printed."""
    return subprocess.run(argv, env={**os.environ, **environ}, capture_output=True, text=True, check=True).stdout


async def ask(path: Path, cache: AnswerCache | None = None, time_limit: float = TIME_LIMIT) -> Answer | str:
    (said,) = await inspect_executables([path], cache=cache, time_limit=time_limit)
    return said


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_interpreter_and_the_tables_say_the_same(version: str, tmp_path: Path) -> None:
    python = find_python(version)
    told = json.loads(output(python, "-c", ASK))
    target = await host_target(tmp_path)
    known = known_interpreter("cpython", (3, int(version.partition(".")[2])), target)
    assert known.ext_suffix == told["EXT_SUFFIX"] == f".{told['SOABI']}.so"
    assert known.abi_flags == told["abiflags"]
    assert known.pointer_width == told["bits"]
    assert f"lib{known.lib_name}." in told["LDLIBRARY"]
    assert known.lib_name == f"python{told['LDVERSION']}"

    answer = await ask(python)
    assert isinstance(answer, Answer), answer
    found = interpreter_of(answer)
    assert isinstance(found, Interpreter), found
    assert found.shared is bool(told["Py_ENABLE_SHARED"])
    assert (found.platform, found.runnable) == (told["platform"], True)
    same = (
        "implementation",
        "version",
        "abi_flags",
        "python_tag",
        "abi_tag",
        "ext_suffix",
        "pointer_width",
        "lib_name",
    )
    assert [getattr(found, name) for name in same] == [getattr(known, name) for name in same]
    assert suits(found, target)
    assert not suits(found, known_triples()["i686-unknown-linux-gnu"])


async def test_pypy_and_the_tables_say_the_same(tmp_path: Path) -> None:
    need("pypy3")
    found = (await find_named("pypy3", world(tmp_path, os.environ["PATH"]))).interpreter
    target = await host_target(tmp_path)
    known = known_interpreter("pypy", found.version, target)
    same = ("implementation", "python_tag", "abi_tag", "ext_suffix", "pointer_width", "lib_name", "shared", "id")
    assert [getattr(found, name) for name in same] == [getattr(known, name) for name in same]
    assert suits(found, target)


async def test_pyenvs_interpreters_are_found_and_the_old_ones_named(tmp_path: Path) -> None:
    root = find_python("3.12").parents[3]
    if not (root / "versions").is_dir():
        lacking("pyenv with its versions")
    found = await find_installations(world(tmp_path, PYENV_ROOT=str(root)))
    assert {f"cp3{version.partition('.')[2]}" for version in VERSIONS} <= {
        one.interpreter.id for one in found.installations
    }
    assert [one.interpreter.version for one in found.installations] == sorted(
        one.interpreter.version for one in found.installations
    )
    for one in found.installations:
        assert one.source == "pyenv"
        assert one.lib_dir == one.base_prefix / "lib"
        assert not one.venv
    for version in ("2.7", "3.6"):
        if list((root / "versions").glob(f"{version}.*")):
            said = [note for note in found.unsupported if f"Python {version}." in note]
            assert said
            assert "3.7 is the oldest" in said[0]


async def test_a_warm_search_is_quick_and_asks_nobody(tmp_path: Path) -> None:
    here = world(tmp_path, os.environ["PATH"], PYENV_ROOT=str(find_python("3.12").parents[3]))
    cold = await find_installations(here)
    assert len(cold.installations) >= len(VERSIONS)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        assert await find_installations(here) == cold
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.03


async def test_the_first_on_path_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()
        shutil.copy2(find_python("3.12").resolve(), directory / "python3.12")
    for one, other in ((first, second), (second, first)):
        (only,) = (await find_installations(world(tmp_path, f"{one}:{other}"))).installations
        assert only.executable == one / "python3.12"
        assert only.source == "PATH"


async def test_a_venv_and_its_base_are_one_interpreter(tmp_path: Path) -> None:
    base = find_python("3.12").resolve()
    output(base, "-m", "venv", "--without-pip", tmp_path / "env")
    here = world(tmp_path, f"{tmp_path / 'env/bin'}:{base.parent}", VIRTUAL_ENV=str(tmp_path / "env"))
    (only,) = (await find_installations(here)).installations
    assert (only.venv, only.source, only.executable.parent) == (True, "venv", tmp_path / "env/bin")
    assert only.base_prefix == base.parents[1]
    assert (await default_interpreter(here)).executable.parent == tmp_path / "env/bin"
    assert (await find_named(str(tmp_path / "env"), here)).venv


async def test_a_broken_a_hanging_a_garrulous_and_a_silent_one_cost_only_themselves(tmp_path: Path) -> None:
    bins = tmp_path / "bin"
    good = find_python("3.12")
    script(bins / "python3.7", "#!/bin/sh\necho 'error while loading shared libraries: libpython3.7m' >&2\nexit 127\n")
    script(bins / "python3.8", "#!/bin/sh\nsleep 300 & sleep 300\n")
    script(bins / "python3.9", "#!/bin/sh\nexec yes 'Python 3.9.1'\n")
    script(bins / "python3.10", "#!/bin/sh\nexit 0\n")
    script(bins / "python3.11", "#!/no/such/interpreter\n")
    script(bins / "python3.15", "#!/bin/sh\nexec cat /dev/zero\n")
    script(bins / "python3.13", "#!/bin/sh\nkill -SEGV $$\n")
    (bins / "python3.14").write_bytes(b"\x7fELF\x02\x01\x01\x00junk")
    (bins / "python3.14").chmod(0o755)
    began = time.monotonic()
    found = await find_installations(world(tmp_path, f"{bins}:{good.parent}"), time_limit=2)
    assert time.monotonic() - began < 15
    assert [one.interpreter.id for one in found.installations] == ["cp312"]
    notes = {note.partition(": ")[0].rpartition("/")[2]: note.partition(": ")[2] for note in found.notes}
    assert notes["python3.7"] == "failed: error while loading shared libraries: libpython3.7m"
    assert notes["python3.8"] == "gave no answer within 2 s"
    assert notes["python3.9"] == "gave no answer within 2 s"
    assert notes["python3.15"] == "gave no answer within 2 s"
    assert notes["python3.10"] == "printed something that is no answer"
    assert "python3.11" in notes
    assert notes["python3.13"] == "failed with exit code -11"
    assert "xec format error" in notes["python3.14"]
    names = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in names if str(bins) in " ".join(words)], "a process was left behind"


async def test_a_named_one_that_is_no_python(tmp_path: Path) -> None:
    here = world(tmp_path, os.environ["PATH"])
    with pytest.raises(UsageError, match=r"cannot be used \(-i\): failed"):
        await find_named(need("ls"), here)
    with pytest.raises(UsageError, match="not found"):
        await find_named("python3.99", here)


async def test_an_answer_is_kept_until_the_executable_changes(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python3.12"
    python.parent.mkdir()
    shutil.copy2(find_python("3.12").resolve(), python)
    file = tmp_path / "interpreters.json"
    first = await ask(python, AnswerCache(file))
    assert isinstance(first, Answer)
    assert first.version[:2] == (3, 12)
    forged = file.read_text().replace('"final:0"', '"final:7"')
    file.write_text(forged)
    kept = await ask(python, AnswerCache(file))
    assert isinstance(kept, Answer)
    assert kept.level == "final:7", "the cache was not used"
    os.utime(python, ns=(1, python.stat().st_mtime_ns + 1))
    assert await ask(python, AnswerCache(file)) == first
    file.write_text("{ junk")
    assert await ask(python, AnswerCache(file)) == first
    assert await ask(python, AnswerCache(file)) == first


async def test_variables_that_steer_pythons_do_not_steer_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await ask(find_python("3.12"))
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')\n")
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere", "_PYTHON_HOST_PLATFORM": "macosx-11.0-arm64",
        "_PYTHON_SYSCONFIGDATA_NAME": "nonsense", "PYTHONVERBOSE": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert await ask(find_python("3.12")) == plain


async def test_pyenv_shims_are_resolved_as_pyenv_does(tmp_path: Path) -> None:
    root = find_python("3.12").parents[3]
    shims = root / "shims"
    if not (shims / "python3.12").exists():
        lacking("the shims of pyenv (pyenv rehash)")
    version = find_python("3.12").parents[1].name
    here = world(tmp_path, str(shims), PYENV_ROOT=str(root), PYENV_VERSION=version)
    said = output(shims / "python3", "-c", "import sys; print(sys.executable)", PYENV_VERSION=version)
    ours = await find_named("python3", here)
    assert ours.executable.resolve() == Path(said.strip()).resolve()
    assert ours.interpreter.full_version == version
    assert (await default_interpreter(here)).executable == ours.executable


def test_every_known_triple_is_one_of_rustc() -> None:
    assert set(known_triples()) - {UNIVERSAL2} <= set(output(need("rustc"), "--print", "target-list").split())


async def test_the_host_is_what_rustc_says(tmp_path: Path) -> None:
    assert f"host: {(await host_target(tmp_path)).triple}\n" in output(need("rustc"), "-vV")
