"""A package index of this machine: pypiserver on a free port of 127.0.0.1, with a password file of its own."""

from __future__ import annotations

import base64
import hashlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import final

from support.tools import SCRIPTS, clean_environment, need

__all__ = ["PASSWORD", "USER", "PackageIndex", "cut_off"]

USER = "alice"
PASSWORD = "s3cr3t/wörd #1"  # noqa: S105 - of the test's own index; a word that URLs must escape
_STARTS = 30.0  # seconds


@final
class PackageIndex:
    """An index that runs while the context is open.

    Attributes:
        port: Where it listens; the same one after a restart.
        packages: Directory with the files that it holds.
        log: What it says.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.packages = folder / "packages"
        self.packages.mkdir(parents=True)
        self.log = folder / "index.log"
        self._passwords = folder / "passwords"
        self._child: subprocess.Popen[bytes] | None = None
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
        self._passwords.write_text(f"{USER}:{{SHA}}{digest}\n", encoding="utf-8")

    @property
    def url(self) -> str:
        """Address that takes uploads."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def simple(self) -> str:
        """Address that pip reads."""
        return f"{self.url}simple/"

    @property
    def files(self) -> list[str]:
        """Names of the files that it holds."""
        return sorted(path.name for path in self.packages.iterdir())

    def __enter__(self) -> PackageIndex:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        need("pypi-server")
        words = ["run", "-i", "127.0.0.1", "-p", str(self.port), "-P", str(self._passwords), "-a", "update"]
        words += ["--disable-fallback", "--hash-algo", "sha256", "--server", "wsgiref", str(self.packages)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [SCRIPTS / "pypi-server", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(None),
            )
        ends = time.monotonic() + _STARTS
        while time.monotonic() < ends:
            if self._child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"no index: {self.log.read_text(encoding='utf-8')}")

    def stop(self) -> None:
        """End it, by its process."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(20)
            self._child = None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def cut_off(index: PackageIndex, name: str, *, die: Callable[[], None]) -> Iterator[str]:
    """Stand before an index; when a request for file ``name`` has begun, end the index and cut the connection.

    Yields:
        The address to upload to.
    """
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(60)

    def serve() -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=pass_on, args=(client,), daemon=True).start()

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", index.port)) as server:
            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            seen = b""
            while data := client.recv(1 << 16):
                seen = (seen + data)[-(1 << 18) :]
                if name.encode() in seen:
                    die()
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join(60)

    def copy(source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                to.sendall(data)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}/"
    finally:
        door.close()
