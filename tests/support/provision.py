"""What tests of cross builds need from outside: made by the scripts in tests/provision, and kept between runs."""

from __future__ import annotations

import os

from support.tools import TOP, lacking, run

__all__ = ["cbindgen", "provide"]

PROVISION = TOP / "tests" / "provision"


def provide(script: str, *arguments: str, timeout: float = 1200) -> list[str]:
    """Run a provisioning script and return the lines it prints; what it cannot make is lacking.

    Args:
        script: Its name in tests/provision, without ``.sh``.
        arguments: Its arguments.
        timeout: Seconds; the first run downloads and compiles.
    """
    wishes = ("WHEELMATRIX_TEST_CACHE", "WHEELMATRIX_TEST_RUSTUP")
    kept = {name: os.environ[name] for name in wishes if name in os.environ}
    ran = run([PROVISION / f"{script}.sh", *arguments], cwd=PROVISION, env=kept, timeout=timeout)
    if ran.exit:
        lacking(f"what tests/provision/{script}.sh makes\n{ran}")
    return ran.stdout.splitlines()


def cbindgen() -> str:
    """Return the folder of a cbindgen, compiled once from the crates registry."""
    return provide("cargo-tools", "cbindgen", "0.29.4")[-1]
