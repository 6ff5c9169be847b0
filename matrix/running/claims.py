"""Which build of a run makes which file, told between processes by the names of directories."""

from __future__ import annotations

from pathlib import Path

import msgspec

from matrix.errors import WheelmatrixError

__all__ = ["Claims"]


class Claims(msgspec.Struct, frozen=True):
    """The files that builds of one run have claimed.

    Attributes:
        directory: A directory of this run; it need not be there.
    """

    directory: Path

    def take(self, file: str, name: str) -> None:
        """Claim a file name for a build, which may do so again.

        Raises:
            WheelmatrixError: Another build has it.
            OSError: The directory cannot be written.
        """
        claimed = self.directory / file
        mine = claimed / name
        try:
            claimed.mkdir(parents=True)
        except FileExistsError:
            if not mine.exists():
                other = next((path.name for path in claimed.iterdir()), "another build")
                raise WheelmatrixError(
                    f"{file} was already made by {other}", hint="ask for one of the levels only"
                ) from None
        else:
            mine.mkdir()
