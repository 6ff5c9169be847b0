"""The two commands that upload, from their options to what they say in the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matrix.errors import UsageError
from matrix.model import CellStatus
from matrix.publishing.destination import destination_of
from matrix.publishing.files import check_files
from matrix.publishing.index import Index, need_twine, open_index
from matrix.publishing.secrets import Secrets
from matrix.publishing.sending import Sent, send
from matrix.telling import INTERRUPTED, say, tell

__all__ = ["Publisher", "building_options", "refused"]


def building_options(options: argparse.Namespace, environ: Mapping[str, str]) -> argparse.Namespace:
    """Return the options with which publish builds: profile release and stripped, where nothing says otherwise.

    Raises:
        UsageError: Two flags contradict each other.
    """
    if options.debug and options.release:
        raise UsageError("--debug and --release contradict each other", hint="give one of them")
    changed = argparse.Namespace(**vars(options))
    changed.command = "build"
    changed.default_profile = None if options.debug else "release"
    if options.strip is None and not environ.get("MATURIN_STRIP"):
        changed.strip = True
    return changed


def refused(cells: Sequence[CellStatus], code: int, files: Sequence[Path], *, partial: bool) -> int | None:
    """Say why nothing is uploaded after a build and return the exit code that it means, or ``None`` when all is well.

    Args:
        cells: How each cell ended.
        code: Its exit code.
        files: What it made.
        partial: Whether half a release may be uploaded.
    """
    if code == INTERRUPTED:
        say("error", "nothing was uploaded: the build was interrupted")
        return code
    if code and not partial:
        wanted = [status for status in cells if status != "skipped"]
        missing = sum(status not in {"built", "reused"} for status in wanted)
        why = f"{missing} of {len(wanted)} wheels could not be built" if missing else "the report could not be written"
        say("error", f"nothing was uploaded: {why}")
        say("hint", "--partial uploads what was built")
        return code
    if not files:
        say("error", "nothing was uploaded: nothing was built")
        return code or 1
    return None


class Publisher:
    """Uploads to one index."""

    def __init__(self, options: argparse.Namespace, environ: Mapping[str, str]) -> None:
        """Find out where uploads go.

        Raises:
            ToolError: twine is missing.
            UsageError: A flag cannot be obeyed.
            ConfigError: ``.pypirc`` cannot be read, or has no such section.
        """
        need_twine()
        self._destination = destination_of(options, environ)
        self._secrets = Secrets()
        self._verbose = options.verbose >= 2
        self._quiet = options.quiet
        self._index = self._open()
        self._repository: Any = None

    def _open(self) -> Index:
        return open_index(self._destination, self._secrets, verbose=self._verbose)

    def log_in(self) -> None:
        """Get what opens the index, so that a want of it is told before anything is built.

        Raises:
            UsageError: There is no name or no password, and none may be asked for.
            WheelmatrixError: A trusted publisher was refused.
        """
        self._repository = self._index.log_in()
        if self._index.passing:  # the build may take longer
            self._index, self._repository = self._open(), None

    def upload(self, paths: Sequence[Path]) -> Sent:
        """Check all files, then upload them, and say on stderr how each one fared.

        Raises:
            WheelmatrixError: Files would be refused, or the index cannot be opened; nothing was uploaded then.
        """
        parcels = check_files(paths, self._index)
        repository = self._repository or self._index.log_in()
        count = f"{len(parcels)} file{'s' if len(parcels) != 1 else ''}"
        self._note(f"uploading {count} to {self._index.url}")
        try:
            sent = send(
                self._index,
                repository,
                parcels,
                skip_existing=self._destination.skip_existing,
                note=self._note,
            )
        finally:
            repository.close()
        self._close(sent)
        return sent

    def _close(self, sent: Sent) -> None:
        for page in sent.pages:
            self._note(f"see {page}")
        if sent.error is None:
            return
        tell(sent.error)
        done = [*sent.uploaded, *sent.existing]
        say("note", f"on the index: {', '.join(one.path.name for one in done) or 'nothing of this upload'}")
        say("note", f"not uploaded: {', '.join(one.path.name for one in sent.missing)}")
        if done and sent.error.hint is None:
            say("hint", "the same command with --skip-existing goes on where this one stopped")

    def _note(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"{text}\n")
