"""What drivers have in common whose cargo runs on this machine itself."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.driver import Place
from matrix.model import Build, Command

__all__ = ["LocalDriver"]


class LocalDriver:
    """Build scripts run here, and nothing outlives its process group."""

    def host_of(self, build: Build) -> str:
        """Build scripts and proc macros run on this machine."""
        del build
        return ""

    def bring(self, build: Build, place: Place, folder: str, linked: Sequence[str]) -> None:
        """Libraries of this machine are found where they lie."""
        del build, place, folder, linked

    def stop(self, build: Build, place: Place) -> tuple[Command, ...]:
        """Ending the processes is enough."""
        del build, place
        return ()
