"""Finished files uploaded through the real command to a real index, which refuses, knows them already, or dies."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support.index import PASSWORD, USER, PackageIndex, cut_off
from support.tools import Ran, run
from support.wheels import tiny_wheel

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
WHO = ("-u", USER, "-p", PASSWORD)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with PackageIndex(tmp_path / "index") as running:
        yield running


def test_files_go_up_and_pip_installs_them(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    wheel = tiny_wheel(tmp_path, text="word = 'from the index'")
    other = tiny_wheel(tmp_path, "second", "2.0")
    ran = wheelmatrix("upload", wheel.name, other, wheel, "--repository-url", index.url, *WHO, cwd=tmp_path)
    assert ran.exit == 0, ran
    assert ran.stdout.splitlines() == [wheel.name, other.name]
    lines = ran.stderr.splitlines()
    assert lines[0] == f"uploading 2 files to {index.url}"
    assert [line.partition(" (")[0] for line in lines[1:]] == [f"uploaded {wheel.name}", f"uploaded {other.name}"]
    assert index.files == sorted([wheel.name, other.name])
    pip = [sys.executable, "-m", "pip"]
    run([*pip, "install", "-q", "--index-url", index.simple, "--target", "into", "tiny"], cwd=tmp_path, check=True)
    assert (tmp_path / "into" / "tiny.py").read_text(encoding="utf-8") == "word = 'from the index'"


def test_a_wrong_password_is_refused_and_not_shown(
    wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path
) -> None:
    wheel = tiny_wheel(tmp_path)
    ran = wheelmatrix(
        "upload", wheel, "--repository-url", index.url, "-u", USER, "-p", "not-the-word", "-vv", cwd=tmp_path
    )
    assert ran.exit == 1, ran
    assert f"error: {index.url} refused the name or the password: 403 Forbidden" in ran.stderr
    assert "hint: check the name and the password" in ran.stderr
    assert f"note: not uploaded: {wheel.name}" in ran.stderr
    assert "not-the-word" not in str(ran.stdout + ran.stderr)
    assert ran.stdout == ""
    assert index.files == []


def test_what_is_there_already(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    wheel, new = tiny_wheel(tmp_path, text="1"), tiny_wheel(tmp_path, "new")
    to = ("--repository-url", index.url, *WHO)
    assert wheelmatrix("upload", wheel, *to, cwd=tmp_path).exit == 0

    again = wheelmatrix("upload", wheel, new, *to, cwd=tmp_path)
    assert again.exit == 1
    assert f"error: {wheel.name} is on the index already, with the same content" in again.stderr
    assert "hint: --skip-existing goes on" in again.stderr
    assert f"not uploaded: {wheel.name}, {new.name}" in again.stderr
    assert again.stdout == ""

    skipping = wheelmatrix("upload", wheel, new, *to, "--skip-existing", cwd=tmp_path)
    assert skipping.exit == 0, skipping
    assert f"skipped {wheel.name} (1/2, there already)" in skipping.stderr
    assert skipping.stdout.splitlines() == [new.name]

    before = (index.packages / wheel.name).read_bytes()
    changed = tiny_wheel(tmp_path, text="2")
    for flags in ((), ("--skip-existing",)):
        differs = wheelmatrix("upload", changed, *to, *flags, cwd=tmp_path)
        assert differs.exit == 1, differs
        assert f"error: {wheel.name} is on the index already, with other content" in differs.stderr
        assert "raise the version" in differs.stderr
    assert (index.packages / wheel.name).read_bytes() == before


def test_an_index_that_dies_in_the_middle(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    wheels = [tiny_wheel(tmp_path, name) for name in ("first", "second", "third")]
    with cut_off(index, wheels[1].name, die=index.stop) as url:
        ran = wheelmatrix("upload", *wheels, "--repository-url", url, *WHO, cwd=tmp_path)
    assert ran.exit == 1, ran
    assert ran.stdout.splitlines() == [wheels[0].name]
    assert f"error: {url} cannot be reached: " in ran.stderr
    assert f"note: on the index: {wheels[0].name}\n" in ran.stderr
    assert f"note: not uploaded: {wheels[1].name}, {wheels[2].name}\n" in ran.stderr
    assert "hint: the same command with --skip-existing goes on where this one stopped" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert index.files == [wheels[0].name]

    index.start()
    again = wheelmatrix("upload", *wheels, "--repository-url", index.url, *WHO, "--skip-existing", cwd=tmp_path)
    assert again.exit == 0, again
    assert again.stdout.splitlines() == [wheels[1].name, wheels[2].name]
    assert index.files == sorted(wheel.name for wheel in wheels)


def test_no_index_there(wheelmatrix: Wheelmatrix, tmp_path: Path, index: PackageIndex) -> None:
    wheel = tiny_wheel(tmp_path)
    index.stop()
    ran = wheelmatrix("upload", wheel, "--repository-url", index.url, *WHO, "-vv", cwd=tmp_path)
    assert ran.exit == 1
    assert f"error: {index.url} cannot be reached: Connection refused" in ran.stderr
    assert PASSWORD not in ran.stderr


WAYS = ["flag", "one word", "maturin", "token", "twine", "address", "address from the environment", "pypirc"]


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_no_password_is_ever_shown(
    way: str, right: bool, wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path
) -> None:
    wheel = tiny_wheel(tmp_path)
    word = PASSWORD if right else "an0ther-w0rd"
    url = index.url.replace("http://", f"http://{USER}:{quote(word, safe='')}@")
    flags: list[str] = ["--repository-url", url if way == "address" else index.url]
    env = {"HOME": str(tmp_path)}
    if way == "flag":
        flags += ["-u", USER, "-p", word]
    elif way == "one word":
        flags += ["-u", USER, f"-p{word}"]
    elif way == "maturin":
        env |= {"MATURIN_USERNAME": USER, "MATURIN_PASSWORD": word}
    elif way == "twine":
        env |= {"TWINE_USERNAME": USER, "TWINE_PASSWORD": word}
    elif way == "token":
        env |= {"MATURIN_PYPI_TOKEN": word}
    elif way == "address from the environment":
        flags, env = [], env | {"MATURIN_REPOSITORY_URL": url}
    elif way == "pypirc":
        flags = ["-r", "mine"]
        text = f"[distutils]\nindex-servers = mine\n[mine]\nrepository = {url}\nusername = {USER}\npassword = {word}\n"
        (tmp_path / ".pypirc").write_text(text, encoding="utf-8")
    ran = wheelmatrix("upload", wheel, *flags, "-vv", cwd=tmp_path, env=env)
    assert ran.exit == (0 if right and way != "token" else 1), ran  # no user of this index is called __token__
    assert index.files == ([wheel.name] if ran.exit == 0 else [])
    for form in (word, quote(word, safe=""), quote(word)):
        assert form not in ran.stdout + ran.stderr


def test_nobody_is_asked_in_ci(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    wheel = tiny_wheel(tmp_path)
    env = {"HOME": str(tmp_path), "CI": "true", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    ran = wheelmatrix("upload", wheel, "--repository-url", index.url, cwd=tmp_path, env=env)
    assert ran.exit == 2
    assert f"error: {index.url}: no name or no password to upload with" in ran.stderr
    assert index.files == []


@pytest.mark.parametrize("repository", ["pypi", "testpypi"])
def test_what_pypi_refuses_is_not_sent(wheelmatrix: Wheelmatrix, repository: str, tmp_path: Path) -> None:
    plain = tiny_wheel(tmp_path, tag="cp311-cp311-linux_x86_64")
    local = tiny_wheel(tmp_path, version="1.0+here")
    good = tiny_wheel(tmp_path, "good")
    env = {"HOME": str(tmp_path), "HTTPS_PROXY": "http://127.0.0.1:9"}  # where nobody listens
    ran = wheelmatrix("upload", good, plain, local, "-r", repository, "-u", "a", "-p", "b", cwd=tmp_path, env=env)
    assert ran.exit == 1, ran
    assert ran.stderr == (
        f"error: {plain.name}: PyPI refuses linux_x86_64: it says nothing of the libc a wheel needs\n"
        f"       {local.name}: PyPI refuses the local version 1.0+here\n"
        "hint: nothing was uploaded\n"
    )


def test_other_indexes_get_them_with_a_warning(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    plain = tiny_wheel(tmp_path, tag="cp311-cp311-linux_x86_64")
    ran = wheelmatrix("upload", plain, "--repository-url", index.url, *WHO, cwd=tmp_path)
    assert ran.exit == 0, ran
    assert f"warning: {plain.name}: PyPI refuses linux_x86_64" in ran.stderr
    assert index.files == [plain.name]


def test_a_broken_file_keeps_all_of_them_back(wheelmatrix: Wheelmatrix, index: PackageIndex, tmp_path: Path) -> None:
    good = tiny_wheel(tmp_path)
    broken = tmp_path / "broken-1.0-py3-none-any.whl"
    broken.write_bytes(good.read_bytes()[:-30])
    lying = tmp_path / "lying-1.0-py3-none-any.whl"
    lying.write_bytes(good.read_bytes())
    ran = wheelmatrix("upload", good, broken, lying, "--repository-url", index.url, *WHO, cwd=tmp_path)
    assert ran.exit == 1, ran
    assert str(broken) in ran.stderr
    assert "lying-1.0-py3-none-any.whl: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert index.files == []
