"""Wheels, read back: what is inside, and what Python says to them."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

from support.tools import Ran, run

BINARY = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""How programs and libraries begin: ELF, PE, Mach-O of 64 and 32 bits, universal."""


@dataclass(frozen=True)
class Inside:
    """What a wheel holds; texts by their name without the dist-info folder's."""

    file: str
    files: frozenset[str]
    metadata: Message
    wheel: Message
    texts: dict[str, bytes]
    modes: dict[str, int]

    @property
    def tags(self) -> frozenset[str]:
        """Every tag of the WHEEL file."""
        return frozenset(self.wheel.get_all("Tag") or ())


def look_inside(path: Path) -> Inside:
    """Read a wheel; every member's checksum is verified on the way."""
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        names = [info.filename for info in members]
        assert len(names) == len(set(names)), f"{path.name} holds a member twice"
        contents = {name: archive.read(name) for name in names}
    (info_dir,) = {name.partition("/")[0] for name in names if name.partition("/")[0].endswith(".dist-info")}

    def parsed(name: str) -> Message:
        return Parser().parsestr(contents[f"{info_dir}/{name}"].decode())

    return Inside(
        file=path.name,
        files=frozenset(names),
        metadata=parsed("METADATA"),
        wheel=parsed("WHEEL"),
        texts={name: content for name, content in contents.items() if not content.startswith(BINARY)},
        modes={info.filename: info.external_attr >> 16 for info in members},
    )


def make_venv(python: Path, folder: Path) -> Path:
    """Make a fresh virtual environment without pip; return its interpreter."""
    run([python, "-m", "venv", "--without-pip", folder], cwd=folder.parent, check=True, timeout=120)
    return folder / "bin" / "python"


def install(python: Path, wheel: Path, *, deps: bool = True) -> Ran:
    """Install a wheel with pip into the environment of ``python``; anything but success fails the test.

    An interpreter too old for our own pip gets the one that came with it.
    """
    options = ["--quiet", "--disable-pip-version-check", "--no-input", *([] if deps else ["--no-deps"])]
    version = run([python, "-c", "import sys; print(*sys.version_info[:2])"], cwd=wheel.parent, check=True).stdout
    if tuple(map(int, version.split())) >= (3, 10):
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
    else:
        run([python, "-m", "ensurepip", "--default-pip"], cwd=wheel.parent, check=True)
        pip = [str(python), "-m", "pip"]
    return run([*pip, "install", *options, wheel], cwd=wheel.parent, check=True)


def add_packages(python: Path, *names: str) -> None:
    """Install packages from PyPI into the environment of ``python`` (3.10 or newer)."""
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run([*pip, "install", "--quiet", "--disable-pip-version-check", *names], cwd=python.parent, check=True)


def ask(python: Path, code: str, *, env: dict[str, str] | None = None) -> str:
    """Run a few lines in an interpreter, away from any source tree; return what they print."""
    return run([python, "-I", "-c", code], cwd=python.parent, env=env, check=True, timeout=120).stdout.strip()


def tiny_wheel(
    folder: Path, name: str = "tiny", version: str = "1.0", *, tag: str = "py3-none-any", text: str = ""
) -> Path:
    """Write a wheel of one module, whose content ``text`` is, with metadata that every index takes."""
    stem = f"{name}-{version}"
    path = folder / f"{stem}-{tag}.whl"
    files = {
        f"{name}.py": text,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: tiny\n",
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nGenerator: tests\nTag: {tag}\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{stem}.dist-info/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{stem}.dist-info/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), content)
    return path
