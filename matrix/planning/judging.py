"""Which candidates can be built here, by which driver, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from matrix.driver import Driver, Wish
from matrix.errors import ConfigError, UsageError, did_you_mean
from matrix.model import Compatibility
from matrix.planning.candidates import Candidate
from matrix.planning.cross import LIB_DIR, tell
from matrix.planning.interpreters import allows
from matrix.planning.request import Facts, Request
from matrix.planning.settings import Recipe
from matrix.planning.stable import Refusal, embeds_python, refusal, runs_python
from matrix.platforms import platform_tags, pypi_rejects, rust_floor
from matrix.platforms.wheel_names import ANY_LEVEL
from matrix.project.read import Project

__all__ = ["Choice", "Judge", "Judged", "check_drivers"]


class Choice(NamedTuple):
    """The driver of a build and why it is the one.

    Attributes:
        driver: Its name.
        why: Why.
        libc: Version of the C library that it links against, where it chooses one.
        explicit: Whether cargo is told ``--target``.
        mark: What tells its binaries from those of other drivers.
        image: Container image that it builds in, or ``None``.
    """

    driver: str
    why: str
    libc: tuple[int, int] | None = None
    explicit: bool = False
    mark: str = ""
    image: str | None = None


class Judged(NamedTuple):
    """A candidate that will be built.

    Attributes:
        candidate: The candidate.
        recipe: How.
        choice: By what.
        platforms: Platform tags of its wheel; one with ``*`` when the audit chooses the level.
        lib_dir: Directory of the libraries that its module links, when the user names one.
        slices: For universal2: the two builds that are joined, judged likewise.
    """

    candidate: Candidate
    recipe: Recipe
    choice: Choice
    platforms: tuple[str, ...]
    lib_dir: str | None = None
    slices: tuple[Judged, ...] = ()

    @property
    def parts(self) -> tuple[Judged, ...]:
        """What is built for it: itself, or its slices."""
        return self.slices or (self,)


def check_drivers(project: Project, facts: Facts) -> None:
    """Refuse settings of a driver that does not exist.

    Raises:
        ConfigError: There is no such driver.
    """
    known = [driver.name for driver in facts.drivers]
    for name in project.options.drivers:
        if name not in known:
            raise ConfigError(
                f"pyproject.toml: [tool.wheelmatrix] drivers.{name}: there is no such driver",
                hint=did_you_mean(name, known) or f"known drivers: {', '.join(known)}",
            )


class Judge:
    """Judges the candidates of one project on one machine."""

    def __init__(self, project: Project, request: Request, facts: Facts) -> None:
        self._project = project
        self._prefers = request.prefers
        self._surveys = request.surveys
        self._facts = facts
        self._choices: dict[tuple[str, Wish], Choice | Refusal] = {}

    def judge(
        self, candidate: Candidate, recipe: Recipe, parts: Sequence[tuple[Candidate, Recipe]]
    ) -> Judged | Refusal:
        """Return how a candidate is built, or why it is left out.

        Args:
            candidate: The candidate.
            recipe: Its recipe.
            parts: What is built for it, each with its recipe: itself, or two for universal2.

        Raises:
            UsageError: It cannot be built, and a flag named what is at fault; not in a survey.
            ConfigError: The matrix names a driver that does not exist.
        """
        target_flag = candidate.wish.origin if candidate.wish.named else ""
        unfit, flag = self._unfit(candidate, recipe)
        if unfit is not None:
            return self._refuse(candidate, unfit, flag)
        platforms = self._platforms(candidate, [part for _, part in parts])
        if isinstance(platforms, Refusal):
            return self._refuse(candidate, platforms, target_flag)
        rejected = _rejected(candidate, platforms)
        if rejected is not None:
            return self._refuse(candidate, rejected, target_flag)
        judged = []
        for part, own in parts:
            one = self._part(part, own, platforms)
            if isinstance(one, Refusal):
                return self._refuse(candidate, one, target_flag if one.missing else "")
            judged.append(one)
        if len(judged) == 1:
            return judged[0]
        why = "; ".join(dict.fromkeys(part.choice.why for part in judged))
        return Judged(candidate, recipe, judged[0].choice._replace(why=why), platforms, slices=tuple(judged))

    def _part(self, part: Candidate, recipe: Recipe, platforms: tuple[str, ...]) -> Judged | Refusal:
        choice = self.choose(recipe, part)
        return choice if isinstance(choice, Refusal) else self._told(Judged(part, recipe, choice, platforms))

    def _told(self, judged: Judged) -> Judged | Refusal:
        """Return it with the Python that the user's own files describe, where they do.

        Raises:
            ConfigError: They are about something else.
        """
        bindings, candidate = self._project.bindings, judged.candidate
        if bindings.kind not in {"pyo3", "pyo3-ffi"} and not bindings.embeds:
            return judged
        rows = [where for where, change in candidate.changes if LIB_DIR in (change.env or ())]
        origin = f"{rows[-1]}.env" if rows else ""
        told = tell(candidate.pick, candidate.wish.target, judged.recipe.settings.env, origin, self._facts)
        if told is None and bindings.embeds:
            interpreter, host = candidate.pick.interpreter, self._facts.host.target
            return embeds_python(bindings, interpreter, candidate.wish.target, host) or judged
        if told is None or isinstance(told, Refusal):
            return told or judged
        pick = candidate.pick._replace(interpreter=told.interpreter)
        return judged._replace(candidate=candidate._replace(pick=pick), lib_dir=told.lib_dir)

    def _refuse(self, candidate: Candidate, refused: Refusal, flag: str) -> Refusal:
        if flag and not self._surveys:
            raise UsageError(f"{candidate.id} ({flag}): {refused.reason}", hint=refused.hint)
        return refused

    def warnings(self, candidate: Candidate) -> Iterator[str]:
        """Yield what the user should know of a candidate that is built all the same."""
        requires, interpreter = self._project.requires_python, candidate.pick.interpreter
        if requires is None or interpreter is None or not candidate.pick.named:
            return
        if not allows(requires, interpreter.version, interpreter.full_version):
            version = interpreter.full_version or ".".join(map(str, interpreter.version))
            pick = candidate.pick
            yield f"{pick.id}: Python {version} ({pick.origin}) is outside requires-python {requires!r}"

    def _unfit(self, candidate: Candidate, recipe: Recipe) -> tuple[Refusal | None, str]:
        """Return why bindings, target, Python or level rule a candidate out, and the flag that asked for it."""
        pick, wish, level = candidate.pick, candidate.wish, candidate.level
        python_flag = pick.origin if pick.named else ""
        target_flag = wish.origin if wish.named else ""
        bindings = self._without_programs(recipe)
        if bindings is not None:
            return bindings, python_flag or target_flag
        if pick.refused is not None:
            return pick.refused, python_flag
        if pick.interpreter is not None:
            requires = self._project.requires_python
            allowed = not requires or allows(requires, pick.interpreter.version, pick.interpreter.full_version)
            if not allowed and not pick.named:
                return Refusal(f"requires-python is {requires!r}", about_python=True), ""
            unable = refusal(self._project.bindings, recipe.stable, pick.interpreter)
            if unable is not None:
                return unable, python_flag
            host = self._facts.host.target
            unable = runs_python(self._project.bindings, pick.interpreter, wish.target, host)
            if unable is not None:
                return unable, python_flag or target_flag
        return None if level.refused is None else Refusal(level.refused), level.origin if level.named else ""

    def _without_programs(self, recipe: Recipe) -> Refusal | None:
        """Return why cargo would make no program with these features, or ``None``."""
        module = self._project.module
        if not module.bins or recipe.programs:
            return None
        programs = " and ".join(map(repr, module.bins))
        many = len(module.bins) > 1
        return Refusal(
            f"the program{'s' * many} {programs} need{'s' * (not many)} required-features that are off",
            hint="turn them on with -F or [tool.maturin] features",
        )

    def _platforms(self, candidate: Candidate, recipes: Sequence[Recipe]) -> tuple[str, ...] | Refusal:
        target, level = candidate.wish.target, candidate.level.level
        environs = [
            {**self._facts.environ, **{k: v for k, v in recipe.settings.env.items() if v is not None}}
            for recipe in recipes
        ]
        try:
            tags = platform_tags(target, level, environs[0], environs if len(environs) > 1 else ())
        except UsageError as error:
            return Refusal(error.message, error.hint)
        open_level = target.os == "linux" and level.version is None and level.family != "linux"
        if open_level and tags == (f"linux_{target.machine}",):
            return (f"{ANY_LEVEL}_{target.machine}",)
        return tags

    def choose(self, recipe: Recipe, candidate: Candidate) -> Choice | Refusal:
        """Return the driver that builds a candidate: the one asked for, else the first that is glad to.

        Raises:
            ConfigError: No driver has the name that is asked for.
        """
        settings = recipe.settings
        named = settings.driver != "auto"
        wish = Wish(target=candidate.wish.target, level=candidate.level.level, image=settings.image, asked=named)
        key = (settings.driver, wish)
        if key not in self._choices:
            drivers = self._asked(settings.driver, recipe.driver_origin or "--driver")
            prefix = f"asked for in {recipe.driver_origin or '--driver'}: " if named else ""
            self._choices[key] = self._chosen(wish, drivers, prefix)
        return self._choices[key]

    def _asked(self, wanted: str, origin: str) -> Sequence[Driver]:
        """Return the drivers to ask, in order."""
        drivers: Mapping[str, Driver] = {driver.name: driver for driver in self._facts.drivers}
        if wanted == "auto":
            return sorted(drivers.values(), key=lambda driver: driver.name != self._prefers)
        if wanted in drivers:
            return [drivers[wanted]]
        known = ["auto", *drivers]
        hint = did_you_mean(wanted, known) or f"known drivers: {', '.join(known)}"
        raise ConfigError(f"unknown driver {wanted!r} ({origin})", hint=hint)

    def _chosen(self, wish: Wish, drivers: Sequence[Driver], prefix: str) -> Choice | Refusal:
        host = self._facts.host
        answers = [(driver.name, driver.supports(wish, host)) for driver in drivers]
        answers = [one for one in answers if one[1].claimed] or answers
        able = [(name, support) for name, support in answers if support.able]
        if able:
            name, support = next((one for one in able if not one[1].reluctant), able[0])
            flagged = " (--zig)" if not prefix and name == self._prefers else ""
            why = f"{prefix}{support.reason}{flagged}"
            return Choice(name, why, support.libc, support.explicit, support.mark, support.image)
        forbidden = next((support for _, support in answers if support.forbidden), None)
        if forbidden is not None:
            return Refusal(forbidden.reason, forbidden.hint, missing=True)
        closest = [support for _, support in answers if support.hint] or [support for _, support in answers]
        why = "; ".join(dict.fromkeys(support.reason for support in closest))
        hint = next((support.hint for support in reversed(closest) if support.hint), None)
        reason = f"no driver here builds for {wish.target.triple}{': ' if why else ''}{why}"
        return Refusal(reason, hint, missing=True)


def _rejected(candidate: Candidate, platforms: tuple[str, ...]) -> Refusal | None:
    """Return why PyPI will refuse the wheel whatever the audit finds, or ``None``."""
    if not candidate.pypi:
        return None
    target, tags = candidate.wish.target, platforms
    if any(ANY_LEVEL in tag for tag in platforms):
        musl = target.libc == "musl"
        best = Compatibility(family="musllinux", version=(1, 2)) if musl else None
        tags = platform_tags(target, best or Compatibility(family="manylinux", version=rust_floor(target)))
    reason = next(filter(None, map(pypi_rejects, tags)), None)
    return None if reason is None else Refusal(reason, "leave the target out, or do without `pypi`")
