"""Feeds the audit what nobody would write, guided by coverage: binaries, archives, RECORD, METADATA, WHEEL, policies.

The first byte of an input says what the rest is. Only our own errors may come out, and nothing may take long.
It needs atheris, which is for this alone::

    pip install atheris==3.0.0
    PYTHONPATH=.:tests python tests/long/fuzz_audit.py DIR -max_total_time=600 -timeout=10 -rss_limit_mb=1024

DIR keeps the inputs that were worth keeping; it is filled with small files of each kind first.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import atheris
from support.elf import Elf, Symbol
from support.made_wheels import make_wheel
from support.natives import Dll, Dylib, fat

with atheris.instrument_imports(include=["matrix"]):
    from matrix.auditing import audit_wheels, read_policies
    from matrix.auditing.elf import read_elf
    from matrix.auditing.image import BadBinaryError
    from matrix.auditing.macho import read_macho
    from matrix.auditing.pe import read_pe
    from matrix.errors import UsageError

NAME = "m-1-cp312-abi3-manylinux_2_17_x86_64.whl"
INFO = "m-1.dist-info"
SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-audit-"))
READERS = (read_elf, read_macho, read_pe)
TEXTS = ("RECORD", "METADATA", "WHEEL")
_ARCHIVE, _POLICY = len(READERS), len(READERS) + 1 + len(TEXTS)


def seeds() -> list[bytes]:
    """A small input of each kind."""
    symbols = [Symbol("PyInit_x", defined=True), Symbol("PyList_New"), Symbol("f", version="libc.so.6:GLIBC_2.4")]
    elf = Elf(needed=["libc.so.6"], needs={"libc.so.6": ["GLIBC_2.4"]}, symbols=symbols, runpath="$ORIGIN/../m.libs")
    natives = [
        (0, elf.data),
        (0, Elf(bits=32, order=">", machine=20, hashing="sysv", symbols=symbols[:2]).data),
        (1, Dylib(undefined=["_PyList_New"]).data),
        (1, fat(Dylib(arch="x86_64"), Dylib())),
        (2, Dll(imports=["python3.dll"], taken=["PyList_New"]).data),
        (2, Dll(machine="32", delayed=["a.dll"]).data),
    ]
    wheel = make_wheel(SCRATCH, NAME, {"m/x.abi3.so": elf.data, "m/a.py": b"x = 1\n"}).read_bytes()
    texts = [b"m/a.py,sha256=AA,1\n", b"Metadata-Version: 2.4\nName: m\nVersion: 1\n", b"Wheel-Version: 1.0\n"]
    policy = b'[{"name": "manylinux_2_17", "lib_whitelist": ["libm.so.6"]}]'
    kinds = [*natives, (_ARCHIVE, wheel), *enumerate(texts, start=_ARCHIVE + 1), (_POLICY, policy)]
    return [bytes((kind,)) + data for kind, data in kinds]


def one_input(data: bytes) -> None:
    """Judge one input."""
    if not data:
        return
    kind, rest = data[0] % (_POLICY + 1), data[1:]
    if kind < _ARCHIVE:
        try:
            READERS[kind]("x", rest)
        except BadBinaryError as error:
            assert error.message.startswith("x: ")  # noqa: PT017 - it need not be raised
        return
    if kind == _POLICY:
        path = SCRATCH / "policy.json"
        path.write_bytes(rest)
        try:
            read_policies(path)
        except UsageError as error:
            assert error.message.startswith(str(path))  # noqa: PT017 - likewise
        return
    path = SCRATCH / NAME
    if kind == _ARCHIVE:
        path.write_bytes(rest)
    else:
        make_wheel(SCRATCH, NAME, {"m/a.py": b"x = 1\n", f"{INFO}/{TEXTS[kind - _ARCHIVE - 1]}": rest})
    (audit,) = audit_wheels([path]).wheels
    assert audit.file == NAME
    assert all(finding.hint for finding in audit.findings)


def main() -> None:
    """Fill the directory named first, and feed until the time is up."""
    folder = Path(next(word for word in sys.argv[1:] if not word.startswith("-")))
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, one_input)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


if __name__ == "__main__":
    main()
