"""What unit tests share; none of them may start a real tool."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from matrix.model import Build, Interpreter, Settings, Target

settings.register_profile("unhurried", deadline=None)  # a busy machine makes no test fail
settings.load_profile("unhurried")

BuildFactory = Callable[..., Build]

LINUX = Target(
    triple="x86_64-unknown-linux-gnu", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64
)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def linux() -> Target:
    return LINUX


@pytest.fixture(scope="session")
def cp312() -> Interpreter:
    return Interpreter(
        implementation="cpython",
        version=(3, 12),
        python_tag="cp312",
        abi_tag="cp312",
        ext_suffix=".cpython-312-x86_64-linux-gnu.so",
        lib_name="python3.12",
    )


@pytest.fixture(scope="session")
def make_build(cp312: Interpreter) -> BuildFactory:
    def make(name: str = "cp312-x86_64-unknown-linux-gnu", **changes: object) -> Build:
        fields: dict[str, object] = {
            "id": name,
            "target": LINUX,
            "interpreter": cp312,
            "bindings": "pyo3",
            "driver": "cargo",
            "settings": Settings(profile="release"),
            "cells": (name,),
            "manifest": "Cargo.toml",
            "crate": "hello",
            "lib_name": "hello",
        }
        return Build(**{**fields, **changes})  # type: ignore[arg-type]

    return make
