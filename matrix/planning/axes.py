"""The axes of the matrix that need no Python: which words there are, which targets, which levels for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matrix.errors import UsageError
from matrix.model import Compatibility, Target
from matrix.planning.request import Request
from matrix.platforms import AUTO, LINUX, PYPI, misfit, parse_compatibility, parse_target
from matrix.project.options import Options

__all__ = [
    "KEY",
    "Level",
    "LevelWishes",
    "TargetWish",
    "Word",
    "interpreter_words",
    "level_axis",
    "level_wishes",
    "levels_meant",
    "levels_of",
    "target_axis",
    "target_wish",
]

KEY = "pyproject.toml: [tool.wheelmatrix]"


class Word(NamedTuple):
    """An interpreter word, where it was written, and whether a flag named it."""

    text: str
    origin: str
    named: bool


class TargetWish(NamedTuple):
    """A target that is wanted.

    Attributes:
        target: The platform.
        explicit: Whether cargo is told ``--target``: a triple was written, or it is not what cargo does by itself.
        named: Whether a flag named it, so that leaving it out is an error.
        origin: Where it was written.
    """

    target: Target
    explicit: bool
    named: bool
    origin: str


class Level(NamedTuple):
    """A level wanted of one target.

    Attributes:
        level: What the wheel shall claim.
        named: Whether a flag named it.
        refused: Why the target cannot reach it, or ``None``.
        origin: Where it was written; empty when it was not.
    """

    level: Compatibility
    named: bool = False
    refused: str | None = None
    origin: str = ""


def interpreter_words(request: Request, options: Options) -> Iterator[Word]:
    """Yield the words of the interpreters axis; none at all means the current ``python3``."""
    flagged = request.interpreters is not None or request.find
    for text in request.interpreters or ():
        yield Word(text, request.interpreters_origin, named=True)
    if request.find:
        yield Word("found", "-f", named=False)
    if not flagged:
        for index, text in enumerate(options.interpreters):
            yield Word(text, f"{KEY} interpreters[{index}]", named=False)


def target_axis(request: Request, options: Options, host: Target) -> tuple[TargetWish, ...]:
    """Return the targets that are wanted, each once, in the order written; when none is, what cargo does by itself.

    Raises:
        UsageError: A triple is not known.
    """
    if request.targets is not None:
        words = [(text, request.targets_origin, True) for text in request.targets]
    elif options.targets or request.default_target is None:
        words = [(text, f"{KEY} targets[{index}]", False) for index, text in enumerate(options.targets)]
    else:
        words = [(*request.default_target, True)]
    wishes: dict[str, TargetWish] = {}
    for text, origin, named in words or [("native", "", False)]:
        wish = target_wish(text, host, origin, named=named, explicit_host=request.explicit_host)
        known = wishes.get(wish.target.triple)
        if known is None or wish.explicit > known.explicit:
            wishes[wish.target.triple] = wish
    return tuple(wishes.values())


def target_wish(
    text: str, host: Target, origin: str, *, named: bool = False, explicit_host: bool = False
) -> TargetWish:
    """Return the target that a word means; ``native`` is the host's, as cargo builds it by itself where it does.

    Raises:
        UsageError: The triple is not known.
    """
    if text.strip() == "native":
        return TargetWish(host, explicit=explicit_host, named=named, origin=origin)
    return TargetWish(parse_target(text.strip(), origin), explicit=True, named=named, origin=origin)


class LevelWishes(NamedTuple):
    """The compatibility axis as it was written.

    Attributes:
        choices: Each a level, or several of which the best one met is taken; with where it was written.
        pypi: Whether PyPI must take every wheel.
        named: Whether flags wrote it.
    """

    choices: tuple[tuple[tuple[Compatibility, ...], str], ...]
    pypi: bool
    named: bool


def level_wishes(request: Request, options: Options, maturin: Sequence[str] = ()) -> LevelWishes:
    """Return what is asked for: by flags, else by the matrix, else by ``[tool.maturin]``.

    Args:
        request: The flags.
        options: The matrix.
        maturin: ``compatibility`` of ``[tool.maturin]``.

    Raises:
        UsageError: A level is not known or out of reach.
    """
    named = request.compatibility is not None
    written: Sequence[str | tuple[str, ...]]
    if request.compatibility is not None:
        written, where = request.compatibility, "--compatibility"
    elif options.compatibility:
        written, where = options.compatibility, f"{KEY} compatibility"
    else:
        written, where = maturin, "pyproject.toml: [tool.maturin] compatibility"
    return levels_of([(words, where if named else f"{where}[{index}]") for index, words in enumerate(written)], named)


def levels_of(written: Sequence[tuple[str | Sequence[str], str]], named: bool) -> LevelWishes:
    """Return what words for levels, or lists of them to choose from, ask for; each with where it was written.

    Raises:
        UsageError: A level is not known or out of reach.
    """
    choices, pypi = [], False
    for words, origin in written:
        wishes = [parse_compatibility(word, origin) for word in ((words,) if isinstance(words, str) else words)]
        levels = tuple(wish for wish in wishes if isinstance(wish, Compatibility))
        pypi = pypi or PYPI in wishes
        if levels:
            choices.append((levels, origin))
    return LevelWishes(tuple(choices), pypi, named)


def level_axis(wishes: LevelWishes, target: Target, *, skip_audit: bool = False) -> tuple[Level, ...]:
    """Return the levels for one target, each once; the best level met when none of them means it.

    Without an audit nobody knows the best level, so the plain ``linux`` tag stands in for it.
    """
    best = LINUX if skip_audit and target.os == "linux" else AUTO
    levels = [
        level._replace(level=best if level.level == AUTO else level.level) for level in levels_meant(wishes, target)
    ]
    return tuple({level.level: level for level in reversed(levels)}.values())[::-1] or (Level(best),)


def levels_meant(wishes: LevelWishes, target: Target) -> tuple[Level, ...]:
    """Return the levels that can be about a target, each once; none is an answer too."""
    found: dict[Compatibility, Level] = {}
    for levels, origin in wishes.choices:
        meant = [level for level in levels if means(level, target)]
        if meant:
            reachable = [level for level in meant if misfit(level, target) is None]
            level = _choice(reachable or meant[:1], origin)
            refused = None if reachable else misfit(level, target)
            found.setdefault(level, Level(level, wishes.named, refused, origin))
    return tuple(found.values())


def means(level: Compatibility, target: Target) -> bool:
    """Whether a level can be about a target at all: a manylinux level is about glibc on Linux, and nothing else."""
    if target.os != "linux":
        return False
    if level.family in {"auto", "linux"}:
        return True
    return (level.family == "musllinux") == (target.libc == "musl")


def _choice(levels: Sequence[Compatibility], origin: str) -> Compatibility:
    versions = tuple(sorted({level.version for level in levels if level.version is not None}))
    if len(set(levels)) == 1:
        return levels[0]
    if len(versions) < len(set(levels)):
        if not versions:
            return AUTO
        raise UsageError(
            f"{origin}: a choice of levels holds {' and '.join(sorted({str(one) for one in levels}))}",
            hint="name versions of manylinux or musllinux in a nested list; `auto` is a choice of all of them",
        )
    return Compatibility(family=levels[0].family, among=versions)
