"""Installing: what is run, when, and what is said; nothing of the machine is changed."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from pathlib import Path

import pytest

from matrix import doctor
from matrix.arguments import parse
from matrix.checkup import Checkup
from matrix.model import Command
from matrix.planning.installing import Action, Means

MEANS = Means(python=sys.executable)


def lacking(*commands: str, ready: bool = False) -> Checkup:
    return Checkup(host="x86_64-unknown-linux-gnu", project=None, ready=ready, drivers=(), commands=commands)


def writes(path: Path, text: str = "") -> Action:
    code = f"import pathlib; pathlib.Path({str(path)!r}).write_text({text!r}); print('done')"
    return Action(text="write it", command=Command(argv=(sys.executable, "-c", code)))


def fails() -> Action:
    return Action(text="fail", command=Command(argv=(sys.executable, "-c", "raise SystemExit(3)")))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yessir\n"])
def test_nothing_is_run_without_a_yes(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert doctor.consent(lacking("pip install x"), MEANS, yes=False, say=lambda _: None) == ()


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_a_yes_at_the_terminal_or_as_a_flag(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert len(doctor.consent(lacking("pip install x"), MEANS, yes=False, say=lambda _: None)) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert len(doctor.consent(lacking("pip install x"), MEANS, yes=True, say=lambda _: None)) == 1


def test_without_a_terminal_the_list_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert doctor.consent(lacking("pip install x", "dance"), MEANS, yes=False, say=said.append) == ()
    assert "pip install x" in said[0]
    assert said[1] == "  dance   (run it yourself: not run)"
    assert "--yes" in said[2]
    assert doctor.consent(lacking("dance"), MEANS, yes=True, say=said.append) == ()


async def test_commands_run_in_order_and_stop_at_the_first_failure(tmp_path: Path) -> None:
    said: list[str] = []
    first, never = tmp_path / "first", tmp_path / "never"
    assert not await doctor.install([writes(first), fails(), writes(never)], MEANS, said.append)
    assert first.exists()
    assert not never.exists()
    assert said == ["$ write it", "  done", "$ fail", "error: fail ended with 3"]
    missing = Action(text="gone", command=Command(argv=(str(tmp_path / "gone"),)))
    assert not await doctor.install([missing], MEANS, said.append)
    assert "program not found" in said[-1]


async def test_a_rust_of_our_own_is_used_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_HOME", "/before")
    info = tmp_path / "env.json"
    env = {"CARGO_HOME": str(tmp_path / "car go"), "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    monkeypatch.setenv("PATH", os.environ["PATH"])
    action = writes(info, json.dumps({"env": env}))
    assert action.command is not None
    named = Action(text="rust", command=Command(argv=(*action.command.argv, str(info))))
    said: list[str] = []
    assert await doctor.install([named], Means(python=sys.executable, rust=str(tmp_path)), said.append)
    assert os.environ["CARGO_HOME"] == str(tmp_path / "car go")
    assert f"  export PATH={tmp_path}{os.pathsep}$PATH" in said
    assert f"  export CARGO_HOME='{tmp_path / 'car go'}'" in said


@pytest.mark.parametrize(("mended", "code"), [(True, 0), (False, 1)])
def test_it_looks_again_after_installing(monkeypatch: pytest.MonkeyPatch, mended: bool, code: int) -> None:
    looks = iter([lacking("pip install x"), lacking(ready=mended)])
    installed: list[Action] = []

    async def look(options: argparse.Namespace, drivers: object) -> Checkup:
        return next(looks)

    async def install(planned: tuple[Action, ...], means: Means, say: doctor.Say) -> bool:
        installed.extend(planned)
        return True

    monkeypatch.setattr(doctor, "look", look)
    monkeypatch.setattr(doctor, "install", install)
    shown: list[Checkup] = []
    assert doctor.doctor(parse(["doctor", "--install", "--yes"]), (), shown.append) == code
    assert [one.text for one in installed] == [f"{sys.executable} -m pip install x"]
    assert [one.ready for one in shown] == [mended]


def test_without_install_it_only_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(options: argparse.Namespace, drivers: object) -> Checkup:
        return lacking("pip install x")

    monkeypatch.setattr(doctor, "look", look)
    shown: list[Checkup] = []
    assert doctor.doctor(parse(["doctor"]), (), shown.append) == 1
    assert len(shown) == 1


def test_this_machine_has_means() -> None:
    means = doctor.means_here()
    assert means.python == sys.executable
    assert Path(means.rust).is_absolute()
