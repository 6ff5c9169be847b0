"""What drivers have in common whose cargo runs on this machine itself."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.driver import Host, Place
from matrix.model import Build, Command

__all__ = ["LocalDriver"]


class LocalDriver:
    """Build scripts run here, and nothing outlives its process group."""

    def host_of(self, build: Build) -> str:
        """Build scripts and proc macros run on this machine."""
        del build
        return ""

    def shares_host(self, build: Build, host: Host) -> bool:
        """They are the same for every target that cargo is told."""
        del build, host
        return True

    def bring(self, build: Build, place: Place, folder: str, linked: Sequence[str]) -> None:
        """Libraries of this machine are found where they lie."""
        del build, place, folder, linked

    def stop(self, build: Build, place: Place) -> tuple[Command, ...]:
        """Ending the processes is enough."""
        del build, place
        return ()
