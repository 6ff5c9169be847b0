"""How each cell is built: what the project and the flags say, then what rows and overrides change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import msgspec

from matrix.model import Interpreter, Settings, StableAbi, Target
from matrix.planning.candidates import Candidate
from matrix.planning.request import Facts, Request
from matrix.planning.stable import serving
from matrix.platforms import UNIVERSAL2, deployment_target
from matrix.project.bindings import ANY_FLOOR
from matrix.project.options import Changes
from matrix.project.read import Project

__all__ = ["Recipe", "Recipes", "apply_changes"]

_REPLACED = ("all_features", "no_default_features", "profile", "driver", "image", "strip", "cargo_args", "rustc_args")


class Recipe(NamedTuple):
    """How a cell is built.

    Attributes:
        settings: The settings.
        key: What tells these settings from others; the same for equal ones.
        plain: Whether no row or override changed them.
        stable: Stable ABIs that its features choose.
        abi: The one among them that serves the cell's Python, or ``None``.
        driver_origin: Where the driver was asked for, or empty.
        programs: Programs that its features let cargo build, for bin.
    """

    settings: Settings
    key: str
    plain: bool
    stable: tuple[StableAbi, ...]
    abi: StableAbi | None
    driver_origin: str
    programs: tuple[str, ...] = ()


def apply_changes(settings: Settings, changes: Changes) -> Settings:
    """Return the settings with what ``changes`` names replaced; environments are merged."""
    updates: dict[str, object] = {name: value for name in _REPLACED if (value := getattr(changes, name)) is not None}
    if changes.features is not None:
        updates["features"] = tuple(sorted(set(changes.features)))
    if changes.timeout is not None:
        updates["timeout"] = float(changes.timeout)
    if changes.env is not None:
        updates["env"] = {**settings.env, **changes.env}
    return msgspec.structs.replace(settings, **updates) if updates else settings


class Recipes:
    """Recipes of one plan, each worked out once: a thousand cells share a handful."""

    def __init__(self, project: Project, request: Request, facts: Facts) -> None:
        self._project = project
        self._request = request
        self._facts = facts
        self._stable: dict[tuple[object, ...], tuple[StableAbi, ...]] = {}
        self._recipes: dict[tuple[object, ...], Recipe] = {}

    @cached_property
    def base(self) -> Settings:
        """What every build starts from: ``[tool.maturin]``, ``[tool.wheelmatrix]``, then flags."""
        maturin, options, features = self._project.maturin, self._project.options, self._project.features
        settings = Settings(
            features=features.for_interpreter(None),
            all_features=features.all_features,
            no_default_features=features.no_default_features,
            profile=maturin.profile or "dev",
            rustc_args=maturin.rustc_args,
            timeout=None if options.timeout is None else float(options.timeout),
            strip=maturin.strip,
        )
        return apply_changes(settings, self._request.settings)

    def recipe(self, candidate: Candidate) -> Recipe:
        """Return how a candidate is built."""
        interpreter = candidate.pick.interpreter
        python = None if interpreter is None else (interpreter.id, interpreter.version)
        key = (python, candidate.wish.target.triple, tuple(id(change) for _, change in candidate.changes))
        recipe = self._recipes.get(key)
        if recipe is None:
            recipe = self._recipes[key] = self._work_out(candidate)
        return recipe

    def _work_out(self, candidate: Candidate) -> Recipe:
        interpreter = candidate.pick.interpreter
        settings, key = self._settings(candidate, interpreter)
        stable = self._stable_for(settings)
        abi = None if interpreter is None else serving(stable, interpreter)
        if (
            interpreter is not None
            and abi is not None
            and abi.version != ANY_FLOOR
            and self._project.features.conditional
        ):
            # one binary serves the family, so it gets what its oldest member gets
            floor = msgspec.structs.replace(interpreter, version=abi.version)
            common, common_key = self._settings(candidate, floor)
            if abi in self._stable_for(common):
                settings, key = common, common_key
        origin = next((where for where, change in reversed(candidate.changes) if change.driver is not None), "")
        return Recipe(settings, key, not candidate.changes, stable, abi, origin, self._programs(settings))

    def _programs(self, settings: Settings) -> tuple[str, ...]:
        return self._project.programs_for(
            settings.features,
            all_features=settings.all_features,
            no_default_features=settings.no_default_features,
        )

    def _settings(self, candidate: Candidate, interpreter: Interpreter | None) -> tuple[Settings, str]:
        names = self.base.features
        if self._request.settings.features is None:
            names = self._project.features.for_interpreter(interpreter)
        env = self._deployment(candidate.wish.target)
        settings = msgspec.structs.replace(self.base, features=names, env={**self.base.env, **env})
        for _, change in candidate.changes:
            settings = apply_changes(settings, change)
        if self._request.pgo:
            settings = msgspec.structs.replace(settings, pgo=True)
        if self._request.debuginfo and not settings.strip:
            settings = msgspec.structs.replace(settings, env={**settings.env, **_packed_debuginfo(settings.profile)})
        text = msgspec.json.encode(settings, order="deterministic").decode()
        return settings, text

    def _deployment(self, target: Target) -> Mapping[str, str]:
        """Return the macOS to link for: what the environment says, ``[tool.maturin.target]``, else Rust's floor.

        It is always said, since linkers have a newer default of their own than the wheel's tag.
        """
        if target.os != "macos" or target.triple == UNIVERSAL2:
            return {}
        told = self._project.maturin.target.get(target.triple)
        environ = dict(self._facts.environ)
        if told is not None and told.deployment_target is not None:
            environ.setdefault("MACOSX_DEPLOYMENT_TARGET", told.deployment_target)
        major, minor = deployment_target(target, environ)
        return {"MACOSX_DEPLOYMENT_TARGET": f"{major}.{minor}"}

    def _stable_for(self, settings: Settings) -> tuple[StableAbi, ...]:
        """Return the stable ABIs that features choose; no floor lies below what the bindings support."""
        key = (settings.features, settings.all_features, settings.no_default_features)
        if key not in self._stable:
            oldest = self._project.bindings.ranges.get("cpython", (ANY_FLOOR,))[0]
            self._stable[key] = tuple(
                abi if abi.version == ANY_FLOOR else StableAbi(kind=abi.kind, version=max(abi.version, oldest))
                for abi in self._project.stable_for(
                    settings.features,
                    all_features=settings.all_features,
                    no_default_features=settings.no_default_features,
                )
            )
        return self._stable[key]


def _packed_debuginfo(profile: str) -> dict[str, str]:
    """Return what puts debug info into one file beside the binary; cargo leaves it out where a platform cannot.

    Cargo's reference, "split-debuginfo"; the variable wins over Cargo.toml.
    """
    return {f"CARGO_PROFILE_{profile.upper().replace('-', '_')}_SPLIT_DEBUGINFO": "packed"}
