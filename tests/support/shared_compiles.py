"""sccache between cargo and rustc, for tests that are not about compiling: a crate is compiled once, not per test.

It stands where users put it, in ``RUSTC_WRAPPER``. Tests marked ``own_rustc`` run without it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.tools import SCRIPTS

__all__ = ["share_compiles", "stop_sharing"]

CACHE = Path.home() / ".cache" / "wheelmatrix-cross"


def share_compiles(*, wanted: bool) -> None:
    """Set or drop the wrapper in this process's environment, which every program that a test starts gets."""
    program = SCRIPTS / "sccache"
    if not wanted or not program.is_file():
        os.environ.pop("RUSTC_WRAPPER", None)
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    os.environ.update(_settings(), RUSTC_WRAPPER=str(program))
    # one server serves all workers; the second to start it is told so. Started here, it is in no test's process group
    subprocess.run([program, "--start-server"], capture_output=True, check=False, timeout=60)


def stop_sharing() -> None:
    """End the server."""
    program = SCRIPTS / "sccache"
    if program.is_file():
        env = {**os.environ, **_settings()}
        subprocess.run([program, "--stop-server"], capture_output=True, check=False, timeout=60, env=env)


def _settings() -> dict[str, str]:
    return {
        "SCCACHE_DIR": str(CACHE / "sccache"),
        "SCCACHE_CACHE_SIZE": "4G",
        "SCCACHE_SERVER_UDS": str(CACHE / "sccache.socket"),
    }
