"""Small ELF files made by hand, so that no compiler is needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.elf import Elf, Symbol


@pytest.fixture(scope="session")
def elf() -> Callable[..., bytes]:
    return lambda **fields: Elf(**fields).data


@pytest.fixture(scope="session")
def symbol() -> type[Symbol]:
    return Symbol
