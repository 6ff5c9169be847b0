from __future__ import annotations

import re

import msgspec
import tomli

from matrix.project import read_options
from matrix.project.maturin_options import STANDING, MaturinOptions
from matrix.project.options import DockerOptions, DriverOptions, Include, Options, Override, Select, XwinOptions
from matrix.project.reference import maturin_keys, wheelmatrix_keys


def _keys(text: str) -> list[str]:
    return re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)


def test_every_key_stands_in_a_table() -> None:
    structs = (Options, Select, Include, Override, DriverOptions, XwinOptions, DockerOptions)
    assert set(_keys(wheelmatrix_keys())) == {
        field.encode_name for one in structs for field in msgspec.structs.fields(one)
    }
    assert _keys(maturin_keys()) == [field.encode_name for field in msgspec.structs.fields(MaturinOptions)]


def test_rows_are_whole() -> None:
    for line in (wheelmatrix_keys() + "\n" + maturin_keys()).splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
            assert re.fullmatch(r"(\|[^|]+|\|  )+\|", line.replace("\\|", "")), line


def test_examples_are_toml_that_is_read() -> None:
    table = wheelmatrix_keys().split("\n\n", 1)[0]
    examples = re.findall(r"\| `([^`]+ = [^`]+)` \|$", table, re.MULTILINE)
    assert len(examples) >= 9
    for example in examples:
        read_options(tomli.loads(example))


def test_every_key_is_compared_with_maturin() -> None:
    rows = {name: (text, standing) for name, text, standing in _maturin_rows()}
    assert rows.keys() >= STANDING.keys()
    for key, (text, standing) in rows.items():
        assert text.endswith("."), key
        assert re.fullmatch(r"same|more: .+|not yet: .+", standing), key


def _maturin_rows() -> list[tuple[str, str, str]]:
    return re.findall(r"^\| `([\w-]+)` \| (.*) \| (.*) \|$", maturin_keys(), re.MULTILINE)
