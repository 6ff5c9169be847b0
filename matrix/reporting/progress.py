"""How far a run is and how long it may still take; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matrix.reporting.state import RunState

__all__ = ["Piece", "fraction_done", "pieces_of", "seconds_left"]

_TRUSTED = 0.15  # below this share of its crates a running build says nothing about its length
_ALMOST = 0.97  # a build is not over before it says so: the last crate is the longest


class Piece(NamedTuple):
    """One build, reduced to what an estimate needs.

    Attributes:
        spent: Seconds its compile has taken.
        share: Finished crates by expected ones, more than 1 when too few were expected; ``None`` when unknown.
        over: Whether its compile ended.
        counts: Whether its length says something about others (it compiled, and well).
        expected: Seconds the last run suggests, or ``None``.
    """

    spent: float
    share: float | None
    over: bool
    counts: bool = True
    expected: float | None = None


def pieces_of(state: RunState, now: float) -> list[Piece]:
    """Reduce the builds of a run to what the estimates need."""
    pieces = []
    for row in state.builds.values():
        total = state.expected_crates(row)
        over = row.over or row.state == "auditing"
        pieces.append(
            Piece(
                spent=row.seconds(now),
                share=row.crates / total if total else None,
                over=over,
                counts=over and row.outcome is not None and row.outcome.status == "ok" and row.outcome.compiled > 0,
                expected=row.build.expected,
            )
        )
    return pieces


def fraction_done(pieces: Sequence[Piece]) -> float:
    """Return the share of the whole run's work that is done, 0 to 1, by expected length."""
    lengths = [piece.expected or 1.0 for piece in pieces]
    done = sum(length * _share(piece) for length, piece in zip(lengths, pieces, strict=True))
    whole = sum(lengths)
    return min(done / whole, 1.0) if whole else 0.0


def seconds_left(pieces: Sequence[Piece], jobs: int) -> float | None:
    """Estimate the seconds until every compile has ended, or return ``None`` when nothing is known yet.

    A build's length is what the last run suggests, else what its finished share suggests, else the mean of those
    that ended. No build can use more than the machine, and no run ends before its longest build.
    """
    waiting = [piece for piece in pieces if not piece.over]
    if not waiting:
        return None
    mean = _mean(piece.spent for piece in pieces if piece.over and piece.counts)
    if mean is None:
        mean = _mean(guess for guess in map(_from_share, waiting) if guess is not None)
    rest = []
    for piece in waiting:
        length = piece.expected if piece.expected is not None else _from_share(piece)
        length = length if length is not None else mean
        if length is None:
            return None
        rest.append(max(length - piece.spent, 0.0))
    return max(*rest, sum(rest) / max(jobs, 1)) if len(rest) > 1 else rest[0]


def _share(piece: Piece) -> float:
    if piece.over:
        return 1.0
    if piece.share is not None:
        return min(piece.share, _ALMOST)
    return min(piece.spent / piece.expected, _ALMOST) if piece.expected else 0.0


def _from_share(piece: Piece) -> float | None:
    if piece.share is None or not _TRUSTED <= piece.share <= 1 or piece.spent <= 0:
        return None
    return piece.spent / min(piece.share, _ALMOST)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
