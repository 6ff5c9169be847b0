"""What an index would refuse is found before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.archives import CoreMetadata, Entry
from matrix.errors import ConfigError
from matrix.sources import check_sources

FIELDS = "Metadata-Version: 2.4\nName: x\nVersion: 1.0\n"


def _check(text: str, *names: str) -> None:
    metadata = CoreMetadata(name="x", version="1.0", distribution="x-1.0", text=text)
    check_sources([Entry(name, Path("somewhere")) for name in ("pyproject.toml", *names)], metadata)


def test_what_is_whole_passes() -> None:
    _check(
        f"{FIELDS}License-Expression: MIT\nLicense-File: docs/LICENSE\nClassifier: License :: OSI Approved\n",
        "docs/LICENSE",
    )
    _check(f"{FIELDS.replace('2.4', '2.5')}Import-Name: x\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{FIELDS}License-File: LICENSE\n", "License-File 'LICENSE' would not be in the source distribution"),
        (f"{FIELDS}Requires-Dist: a ==\n", "PKG-INFO: .*requires-dist"),
        (FIELDS.replace("1.0", "one"), "PKG-INFO: .*version"),
        (f"{FIELDS}Colour: red\n", "PKG-INFO: the field 'colour' could not be read"),
    ],
)
def test_what_an_index_refuses_is_told(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _check(text)


def test_a_source_distribution_without_its_pyproject_is_none() -> None:
    metadata = CoreMetadata(name="x", version="1.0", distribution="x-1.0", text=FIELDS)
    with pytest.raises(ConfigError, match=r"pyproject\.toml would not be in the source distribution"):
        check_sources([], metadata)
