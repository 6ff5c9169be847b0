"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let signals mean what they do in a terminal: a shell's background job and nohup hand on that they are ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
