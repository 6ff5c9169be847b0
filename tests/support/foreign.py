"""Programs of other processors: Debian's Python under qemu, and modules loaded by musl's own loader."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from support.provision import provide
from support.tools import need, run

__all__ = ["ARCHITECTURES", "Foreign", "foreign", "install_for", "load_with_musl"]


@dataclass(frozen=True)
class Foreign:
    """An unpacked Debian of another processor, with CPython 3.11 in it.

    Attributes:
        machine: As ``platform.machine()`` says, and qemu's word for it.
        root: Its folder.
    """

    machine: str
    root: Path

    @property
    def emulator(self) -> list[str]:
        """The start of a command that runs one of its programs."""
        return [need(f"qemu-{self.machine}-static"), "-L", str(self.root)]

    def ask(self, code: str, folder: Path) -> str:
        """Run a few lines in its Python with a folder of packages on the path; return what they print."""
        argv: list[str | Path] = [*self.emulator, self.root / "usr/bin/python3.11", "-c", code]
        changes = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return run(argv, cwd=folder, env=changes, check=True, timeout=120).stdout.strip()


# Debian's name of a processor, and qemu's.
ARCHITECTURES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "armhf": "arm",
    "i386": "i386",
    "ppc64el": "ppc64le",
    "s390x": "s390x",
}


def foreign(architecture: str) -> Foreign:
    """Return the Debian of a processor, made when it is not in the cache."""
    (root,) = provide("root", architecture)
    return Foreign(ARCHITECTURES[architecture], Path(root))


def install_for(wheel: Path, folder: Path, *, version: str = "3.11") -> Path:
    """Let pip install a wheel for the interpreter and the platform that its name says; return the folder.

    pip refuses a name that does not fit, and a wheel whose RECORD or metadata do not hold.
    """
    _, abi, platforms = wheel.stem.rsplit("-", 2)
    argv: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    argv += ["--no-deps", "--no-index", "--only-binary=:all:", "--target", folder]
    argv += ["--implementation", "cp", "--python-version", version, "--abi", abi]
    for platform in platforms.split("."):
        argv += ["--platform", platform]
    run([*argv, wheel], cwd=wheel.parent, check=True, timeout=120)
    return folder


_LOADER = """#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **words) {
    void *module = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (!module) { puts(dlerror()); return 1; }
    puts(dlsym(module, words[2]) ? "found" : "no init function");
    return 0;
}
"""


def load_with_musl(module: Path, system: Foreign, work: Path) -> str:
    """Load an extension module with musl's loader; "found" when its init function is there.

    There is no Python for musl to run it in: what it wants of Python is given to it as empty variables, so every other
    symbol is looked up for true, and nothing of Python is called.
    """
    source = work / "loader.c"
    variables = "".join(f"void *{name}[64];\n" for name in _wanted_of_python(module))
    source.write_text(_LOADER + variables, encoding="utf-8")
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{system.machine}-linux-musl"]
    run([*zig, "-dynamic", "-rdynamic", source.name, "-o", "loader"], cwd=work, check=True)
    loader = next((system.root / "lib").glob("ld-musl-*.so.1"))
    init = f"PyInit_{module.name.partition('.')[0]}"
    return run([*system.emulator, loader, work / "loader", module, init], cwd=work, timeout=120).stdout.strip()


def _wanted_of_python(module: Path) -> list[str]:
    """Names of Python's functions and variables that a module leaves undefined."""
    with module.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        undefined = {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF"}
    return sorted(name for name in undefined if name.startswith(("Py", "_Py")))
