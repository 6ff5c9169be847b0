"""Projects from PyPI that change their back end from maturin to ours, and nothing else.

``pip wheel`` and ``build`` make of each what they make with maturin: source distribution, wheels, metadata, tags.
"""

from __future__ import annotations

import sys

import pytest
from support.compare import EMPTY_LINES, HOME_PAGE, SAME_REQUIREMENTS, SPELLING, Difference
from support.dropin import COMMON, DropIn, House, check_drop_in, check_ours

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="the tags of Linux"),
]

PROJECTS = (
    DropIn("python-bidi", "0.6.12", "pyo3, a Python package beside src"),
    DropIn("py-rust-stemmers", "0.1.8", "pyo3, a module and its stubs"),
    DropIn("regress", "2026.9.1", "pyo3, a module and its stubs"),
    DropIn("jh2", "5.0.15", "pyo3, a Python package beside src with the module in it, named"),
    DropIn("jellyfish", "1.3.0", "pyo3 behind a feature, Python in python"),
    DropIn("rtoml", "0.14.0", "pyo3 by name, Python in python"),
    DropIn("base2048", "0.1.3", "pyo3 of old, Python in src-py, no Cargo.lock"),
    DropIn("bencode-rs", "0.0.9", "pyo3, abi3 where Python is new enough, Python in py"),
    DropIn("unicode-segmentation-rs", "1.0.0", "pyo3, abi3"),
    DropIn(
        "lzallright", "0.3.0", "pyo3, abi3, a workspace with the manifest and Python in python, more files in its sdist"
    ),
    DropIn("sampleproject-rs", "0.3.1", "pyo3, a workspace with the manifest in bindings-py"),
    DropIn("ormsgpack", "1.13.1", "pyo3, mostly its ffi, Python in python"),
    DropIn("edcfg-lint", "0.1.1", "a program, stripped"),
)
NO_PYTHON = "py-rust-stemmers regress unicode-segmentation-rs sampleproject-rs"
WITH_EXTRAS = "python-bidi py-rust-stemmers base2048 sampleproject-rs"
WITH_README = (
    "python-bidi py-rust-stemmers regress jh2 rtoml base2048 bencode-rs unicode-segmentation-rs lzallright ormsgpack"
    " sampleproject-rs edcfg-lint"
)
DIFFERENCES = (
    *COMMON,
    Difference(NO_PYTHON, "content */__init__.py", "words of our own, which leave the same names behind"),
    Difference(WITH_EXTRAS, SPELLING, SAME_REQUIREMENTS),
    Difference(WITH_README, EMPTY_LINES, "maturin ends it with an empty line"),
    Difference("lzallright", "METADATA Home-Page", HOME_PAGE),
    Difference("base2048", "key package.readme in Cargo.toml", "maturin adds what cargo finds by itself"),
)


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_judges_accept_what_our_back_end_makes(project: DropIn, house: House) -> None:
    check_ours(house.ours(project))


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_all_is_as_maturin_makes_it(project: DropIn, house: House) -> None:
    check_drop_in(project, house, DIFFERENCES)
