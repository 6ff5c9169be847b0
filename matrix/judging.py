"""The audit command: wheels made by anyone are judged, and the verdicts shown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["judge"]


def judge(options: argparse.Namespace) -> int:
    """Judge finished wheels; 1 when one of them has an error.

    Raises:
        UsageError: A path names no file, a code does not exist, or the policy file is wrong.
    """
    from matrix.auditing import audit_wheels, read_policies, selection  # noqa: PLC0415
    from matrix.listing import audit_rows  # noqa: PLC0415
    from matrix.reporting.tables import render_audits  # noqa: PLC0415
    from matrix.reporting.text import symbols_for, wants_color  # noqa: PLC0415
    from matrix.schemas import document_text  # noqa: PLC0415

    chosen = selection(options.select or (), options.ignore or ())
    extra = read_policies(Path(options.policy)) if options.policy is not None else ()
    audits = audit_wheels(map(Path, options.wheels), extra=extra, selection=chosen)
    if options.json:
        sys.stdout.write(document_text(audits))
        return audits.exit_code
    rows = audit_rows(audits.wheels)
    symbols, color = symbols_for(sys.stdout.encoding), wants_color(options.color, sys.stdout)
    sys.stdout.write(render_audits(rows, symbols=symbols, color=color))
    return audits.exit_code
