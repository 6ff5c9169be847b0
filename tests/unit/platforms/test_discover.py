from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from matrix.errors import UsageError
from matrix.platforms import inspect
from matrix.platforms.candidates import World, candidates, launcher_paths, pythons_in
from matrix.platforms.discover import default_interpreter, find_installations, find_named
from matrix.platforms.inspect import Said, identify
from matrix.platforms.look import natural
from matrix.platforms.probe import Answer
from matrix.platforms.pyenv import behind_shim

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the made-up machine is a POSIX one")


class Machine:
    """A made-up machine: its programs are files that hold their answer, and the number of questions is counted."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.environ = {"HOME": str(root / "home"), "WHEELMATRIX_CACHE_DIR": str(root / "cache"), "PATH": ""}
        self.asked: list[Path] = []
        (root / "here").mkdir()
        monkeypatch.setattr(inspect, "_ask", self._ask)

    async def _ask(self, path: Path, _limit: float) -> Said:
        self.asked.append(path)
        text = path.read_text()
        return msgspec.json.decode(text, type=Answer) if text.startswith("{") else text.strip()

    @property
    def world(self) -> World:
        return World(environ=dict(self.environ), cwd=self.root / "here", opt=self.root / "opt")

    def path(self, *directories: str) -> None:
        self.environ["PATH"] = ":".join(str(self.root / directory) for directory in directories)

    def python(self, where: str, version: str = "3.12.1", implementation: str = "cpython", flags: str = "") -> Path:
        major, minor, _ = version.split(".")
        suffixes = {
            "cpython": f".cpython-{major}{minor}{flags}-x86_64-linux-gnu.so",
            "pypy": f".pypy{major}{minor}-pp73-x86_64-linux-gnu.so",
        }
        answer = {
            "executable": where, "implementation": implementation, "version": list(map(int, version.split("."))),
            "level": "final:0", "abi_flags": flags, "ext_suffix": suffixes[implementation], "shared": True,
            "threaded": "t" in flags, "debug": False, "pointer_width": 64, "platform": "linux-x86_64",
            "base_prefix": f"/of/{where}", "lib_dir": "",
        }  # fmt: skip
        return self.program(where, json.dumps(answer))

    def program(self, where: str, content: str) -> Path:
        path = self.root / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
        return path

    def link(self, where: str, to: str) -> Path:
        path = self.root / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.root / to)
        return path

    async def found(self) -> dict[str, str]:
        """Ids and where they were found, in order."""
        found = await find_installations(self.world)
        return {one.interpreter.id: str(one.executable.relative_to(self.root)) for one in found.installations}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


async def test_every_place_is_looked_into_and_sorted(machine: Machine) -> None:
    machine.python("usr/bin/python3.9", "3.9.2")
    machine.path("usr/bin", "nowhere")
    machine.python("env/bin/python", "3.10.4")
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "env")
    machine.python("home/.pyenv/versions/3.12.1/bin/python3.12", "3.12.1")
    machine.python("home/.local/share/uv/python/cpython-3.14.0+freethreaded/bin/python3.14t", "3.14.0", flags="t")
    machine.python("home/.local/share/uv/python/cpython-3.14.0/bin/python3.14", "3.14.0")
    machine.python("opt/pp311-pypy311_pp73/bin/python", "3.11.9", "pypy")
    found = await find_installations(machine.world)
    assert [(one.interpreter.id, one.source) for one in found.installations] == [
        ("cp39", "PATH"),
        ("cp310", "venv"),
        ("cp312", "pyenv"),
        ("cp314", "uv"),
        ("cp314t", "uv"),
        ("pp311", "/opt/python"),
    ]
    assert found.notes == ()
    assert str(found.installations[0].base_prefix) == "/of/usr/bin/python3.9"


async def test_the_first_of_a_version_on_path_wins_then_the_newest_elsewhere(machine: Machine) -> None:
    machine.python("a/python3.12", "3.12.1")
    machine.python("b/python3.12", "3.12.9")
    machine.path("b", "a")
    machine.python("home/.pyenv/versions/3.12.11/bin/python", "3.12.11")
    machine.python("home/.pyenv/versions/3.11.9/bin/python", "3.11.9")
    machine.python("home/.pyenv/versions/3.11.10/bin/python", "3.11.10")
    assert await machine.found() == {"cp311": "home/.pyenv/versions/3.11.10/bin/python", "cp312": "b/python3.12"}
    machine.path("a", "b")
    assert (await machine.found())["cp312"] == "a/python3.12"


async def test_a_venv_of_the_same_version_as_its_base_is_one_interpreter(machine: Machine) -> None:
    machine.python("usr/bin/python3.12")
    machine.link("env/bin/python", "usr/bin/python3.12")
    (machine.root / "env/pyvenv.cfg").write_text("home = usr/bin\n")
    machine.path("env/bin", "usr/bin")
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "env")
    found = await find_installations(machine.world)
    (only,) = found.installations
    assert (only.executable, only.source, only.venv) == (machine.root / "env/bin/python", "venv", True)
    machine.path("usr/bin", "env/bin")
    (only,) = (await find_installations(machine.world)).installations
    assert (only.source, only.venv) == ("PATH", False)


async def test_a_program_of_many_names_is_asked_once_and_then_never_again(machine: Machine) -> None:
    machine.python("usr/bin/python3.12")
    machine.link("usr/bin/python3", "usr/bin/python3.12")
    machine.link("usr/bin/python", "usr/bin/python3")
    machine.link("bin", "usr/bin")
    machine.path("bin", "usr/bin", "bin")
    assert await machine.found() == {"cp312": "bin/python3.12"}
    assert len(machine.asked) == 1
    assert await machine.found() == {"cp312": "bin/python3.12"}
    assert len(machine.asked) == 1
    machine.python("usr/bin/python3.12", "3.12.10")
    (only,) = (await find_installations(machine.world)).installations
    assert only.interpreter.full_version == "3.12.10"
    assert len(machine.asked) == 2


async def test_a_changed_pyvenv_cfg_is_a_changed_interpreter(machine: Machine) -> None:
    machine.python("env/bin/python")
    config = machine.root / "env/pyvenv.cfg"
    config.write_text("version = 3.12\n")
    before = identify(machine.root / "env/bin/python")
    config.write_text("version = 3.12.1\n")
    after = identify(machine.root / "env/bin/python")
    assert before is not None
    assert after is not None
    assert before.key == after.key
    assert before.stamp != after.stamp


async def test_scripts_and_launchers_by_another_name_are_asked_each_time_and_each_for_itself(machine: Machine) -> None:
    machine.program("shims/mise", "not a script, knows its name")
    machine.link("shims/python3.11", "shims/mise")
    machine.link("shims/python3.12", "shims/mise")
    machine.program("wrap/python3.13", "#!/bin/sh\nexec something\n")
    machine.path("shims", "wrap")
    found = await find_installations(machine.world)
    await find_installations(machine.world)
    assert found.installations == ()
    assert len(found.notes) == 3
    assert len(machine.asked) == 6


async def test_what_cannot_be_used_is_a_note_and_what_cannot_run_is_nothing(machine: Machine) -> None:
    old = machine.python("usr/bin/python3.6", "3.6.15")
    broken = machine.program("usr/bin/python3.10", "failed: no libpython")
    machine.python("usr/bin/python3.11", "3.11.1").chmod(0o644)
    (machine.root / "usr/bin/python3.7").mkdir()
    machine.link("usr/bin/python3.8", "usr/bin/gone")
    machine.link("usr/bin/python3.9", "usr/bin/python3.9")
    machine.path("usr/bin")
    found = await find_installations(machine.world)
    assert found.installations == ()
    assert found.notes == (f"skipped {broken}: failed: no libpython",)
    assert found.unsupported == (f"skipped {old}: Python 3.6.15 is not supported; 3.7 is the oldest",)


def pyenv(machine: Machine) -> None:
    for version in ("3.9.18", "3.12.1", "3.12.10"):
        machine.python(f"home/.pyenv/versions/{version}/bin/python{version.rpartition('.')[0]}", version)
        machine.link(
            f"home/.pyenv/versions/{version}/bin/python3",
            f"home/.pyenv/versions/{version}/bin/python{version.rpartition('.')[0]}",
        )
    for name in ("python3", "python3.9", "python3.12"):
        machine.program(f"home/.pyenv/shims/{name}", "#!/usr/bin/env bash\nexec pyenv exec\n")
    machine.python("usr/bin/python3.9", "3.9.2")
    machine.path("home/.pyenv/shims", "usr/bin")


@pytest.mark.parametrize(
    ("selected", "name", "expected"),
    [
        ("3.12.1", "python3", "3.12.1"),
        ("3.12", "python3", "3.12.10"),
        ("python-3.9", "python3", "3.9.18"),
        ("3.9.18:3.12.1", "python3.12", "3.12.1"),
        ("system:3.9.18", "python3.9", "3.9.18"),
        ("3.9.18", "python3.12", None),
        ("system", "python3", None),
        ("../../usr", "python3", None),
        ("3.99", "python3", None),
    ],
)
def test_a_pyenv_shim_is_what_the_selected_version_says(
    machine: Machine, selected: str, name: str, expected: str | None
) -> None:
    pyenv(machine)
    shim = machine.root / "home/.pyenv/shims" / name
    found = behind_shim(shim, {"PYENV_VERSION": selected}, machine.root / "here")
    assert found == (machine.root / f"home/.pyenv/versions/{expected}/bin" / name if expected else None)


async def test_shims_follow_the_nearest_version_file_and_are_never_run(machine: Machine) -> None:
    pyenv(machine)
    (machine.root / "home/.pyenv/version").write_text("3.9.18\n")
    assert await machine.found() == {
        "cp39": "home/.pyenv/versions/3.9.18/bin/python3.9",
        "cp312": "home/.pyenv/versions/3.12.10/bin/python3.12",
    }
    (machine.root / "here/.python-version").write_text("# ours\n3.12.1\n")
    assert await machine.found() == {
        "cp39": "usr/bin/python3.9",
        "cp312": "home/.pyenv/versions/3.12.1/bin/python3.12",
    }
    assert not [path for path in machine.asked if "shims" in path.parts]
    assert str((await default_interpreter(machine.world)).executable).endswith("versions/3.12.1/bin/python3")


async def test_a_name_is_found_on_path_then_beside_it(machine: Machine) -> None:
    pyenv(machine)
    machine.environ["PYENV_VERSION"] = "system"
    assert (await find_named("python3.9", machine.world)).executable == machine.root / "usr/bin/python3.9"
    found = await find_named("python3.12", machine.world)
    assert found.executable == machine.root / "home/.pyenv/versions/3.12.10/bin/python3.12"
    assert found.source == "pyenv"


@pytest.mark.parametrize("word", ["./env/bin/python", "./env", "~/env", "{root}/home/env/"])
async def test_a_path_may_be_a_program_or_a_directory_of_one(machine: Machine, word: str) -> None:
    machine.python("here/env/bin/python")
    machine.python("home/env/bin/python3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(machine.root / "home"))
        found = await find_named(word.format(root=machine.root), machine.world)
    assert found.executable.name in {"python", "python3"}
    assert found.source == "named"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("python3.14", 'write "3.14" to build for it without having it'),
        ("pypy3.11-x", 'write "pypy3.11" to build for it without having it'),
        ("python3", "`wheelmatrix interpreters` lists those of this machine"),
        ("./python3.12", "`wheelmatrix interpreters` lists those of this machine"),
        ("./python\0", "`wheelmatrix interpreters` lists those of this machine"),
        ("~nobody-of-that-name/python", "`wheelmatrix interpreters` lists those of this machine"),
        ("./" + "x" * 5000, "`wheelmatrix interpreters` lists those of this machine"),
    ],
)
async def test_a_missing_one_is_an_error_with_the_way_out(machine: Machine, word: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        await find_named(word, machine.world, origin="[tool.wheelmatrix] interpreters[0]")
    assert caught.value.message == f"interpreter {word!r} not found ([tool.wheelmatrix] interpreters[0])"
    assert caught.value.hint == hint


async def test_a_named_one_that_is_broken_or_old_is_an_error(machine: Machine) -> None:
    machine.program("usr/bin/python3.10", "failed: no libpython")
    path = machine.python("usr/bin/python3.6", "3.6.15")
    machine.path("usr/bin")
    with pytest.raises(UsageError) as caught:
        await find_named("python3.10", machine.world)
    where = machine.root / "usr/bin/python3.10"
    assert caught.value.message == f"interpreter 'python3.10' cannot be used (-i): {where}: failed: no libpython"
    with pytest.raises(UsageError) as caught:
        await find_named(str(path), machine.world)
    assert caught.value.message == (
        f"interpreter {str(path)!r} cannot be used (-i): Python 3.6.15 is not supported; 3.7 is the oldest"
    )


async def test_the_default_is_the_active_venvs_then_python3(machine: Machine) -> None:
    machine.python("usr/bin/python3", "3.11.2")
    machine.path("usr/bin")
    assert (await default_interpreter(machine.world)).interpreter.id == "cp311"
    machine.python("env/bin/python", "3.13.0")
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "env")
    assert (await default_interpreter(machine.world)).interpreter.id == "cp313"
    machine.environ["VIRTUAL_ENV"] = str(machine.root / "deleted")
    assert (await default_interpreter(machine.world)).interpreter.id == "cp311"
    machine.path()
    with pytest.raises(UsageError) as caught:
        await default_interpreter(machine.world)
    assert caught.value.message == "interpreter 'python3' not found (no -i given)"
    assert caught.value.hint == "name an interpreter with -i, or take every one with -f"


def test_the_names_of_interpreters_and_no_others(tmp_path: Path) -> None:
    names = [
        "python", "python3", "python3.12", "python3.13t", "pypy3", "pypy3.11", "graalpy", "python3.12.exe",
        "python-config", "python3.12-config", "python2", "python3.12-gdb.py", "pythonw.exe", "pip3", "perl", "pypy",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).touch()
    found = [path.name for path in pythons_in(tmp_path)]
    assert set(found) == {*names[:8], "pypy"}
    assert found[0] == "python3.12.exe"
    assert found.index("python3.12") < found.index("python3") < found.index("python")
    assert pythons_in(tmp_path / "gone") == ()


def test_places_named_by_variables(machine: Machine) -> None:
    machine.python("mine/pyenv/versions/3.9.1/bin/python")
    machine.python("mine/uv/cpython-3.13/bin/python3")
    machine.python("mine/conda/bin/python")
    machine.python("data/uv/python/cpython-3.12/bin/python3")
    for name, place in (("PYENV_ROOT", "pyenv"), ("UV_PYTHON_INSTALL_DIR", "uv"), ("CONDA_PREFIX", "conda")):
        machine.environ[name] = str(machine.root / "mine" / place)
    assert [one.source for one in candidates(machine.world)] == ["venv", "pyenv", "uv"]
    del machine.environ["UV_PYTHON_INSTALL_DIR"]
    machine.environ["XDG_DATA_HOME"] = str(machine.root / "data")
    assert [one.path.parts[-3] for one in candidates(machine.world) if one.source == "uv"] == ["cpython-3.12"]


def test_what_the_windows_launcher_lists() -> None:
    listing = (
        "Installed Pythons found by py Launcher for Windows\r\n"
        " -V:3.12 *        C:\\Program Files\\Python312\\python.exe\r\n"
        " -3.9-32\tC:\\Python39-32\\python.exe\r\n"
        " -V:Astral/CPython3.13 D:/uv/python.exe\r\n"
        " -V:3.8           (unavailable)\r\n"
    )
    assert [str(path) for path in launcher_paths(listing)] == [
        r"C:\Program Files\Python312\python.exe",
        r"C:\Python39-32\python.exe",
        "D:/uv/python.exe",
    ]


def test_versions_sort_as_numbers() -> None:
    names = ["3.9.18", "3.10.13", "3.10.2", "pypy3.10-7.3.15", "cpython-3.9", "cpython-3.13t", "٣"]
    assert sorted(names, key=natural)[:1] != []
    assert sorted(["3.10.2", "3.9.18", "3.10.13"], key=natural) == ["3.9.18", "3.10.2", "3.10.13"]
