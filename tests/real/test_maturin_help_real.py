"""Nothing of maturin's surface is forgotten: its own ``--help`` and its own program are asked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest
from support.tools import need

from matrix.maturin_flags import FLAGS, RUSTC_ARGS
from matrix.project.maturin_options import MaturinOptions, Sbom

# The guide's list for 0.13 that 1.16 no longer shows: two it still takes, and one that it does not.
HIDDEN = {"--manylinux", "--skip-auditwheel", "--universal2"}
UNSAID = {"--help"}


@pytest.fixture(scope="module")
def maturin() -> Path:
    return Path(need("maturin"))


def test_every_flag_of_maturin_build_is_compared(maturin: Path) -> None:
    ran = subprocess.run([maturin, "build", "--help"], capture_output=True, text=True, check=True)
    found = set(re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", ran.stdout, re.MULTILINE))
    found |= set(re.findall(r"^ {2,6}(-\w)(?! *,)", ran.stdout, re.MULTILINE))
    assert len(found) > 30
    assert found - UNSAID == FLAGS.keys() - HIDDEN - {RUSTC_ARGS}


def test_every_key_is_one_that_maturin_knows(maturin: Path) -> None:
    """Its program holds the names that it reads; short ones that compile to numbers are left out."""
    program = maturin.read_bytes()
    keys = [field.encode_name for kind in (MaturinOptions, Sbom) for field in msgspec.structs.fields(kind)]
    unknown = [key for key in keys if len(key) > 8 and key.encode() not in program]
    assert unknown == ["sdist-include"], "obeyed here as maturin did before 1.0"
