"""Cargo profiles that builds name and nobody defines, told before anything compiles (cargo reference, "Profiles")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from matrix.errors import ConfigError, UsageError, did_you_mean
from matrix.model import Build
from matrix.project.cargo_config import configured_profiles
from matrix.project.read import Project
from matrix.project.toml import read_toml

__all__ = ["BUILT_IN", "check_profiles"]

BUILT_IN = ("dev", "release", "test", "bench")
_OTHER_WORDS = {"debug": "dev"}  # the name of the directory, which cargo refuses as a profile's
_DECIDES = ("--config", "--profile", "-Z", "-C")  # arguments of one build that may define or choose a profile


def check_profiles(
    project: Project,
    builds: Iterable[Build],
    environ: Mapping[str, str],
    *,
    flag: str | None = None,
    editable: bool = False,
) -> None:
    """Refuse a profile that no file, flag or variable defines.

    What only cargo can know is left to cargo: builds in containers, which have files and variables of their own,
    builds with further arguments that may define a profile, and a manifest that cannot be read here.

    Args:
        project: The project.
        builds: What is to be built.
        environ: The environment that cargo will see.
        flag: What ``--profile`` names.
        editable: Whether ``[tool.maturin] editable-profile`` counts.

    Raises:
        UsageError: ``--profile`` names an unknown one.
        ConfigError: A key does.
    """
    asked = [build for build in builds if build.settings.profile not in BUILT_IN and _decidable(build)]
    own = _own_profiles(project) if asked else None
    if own is None:
        return
    for name, variables in {(one.settings.profile, tuple(sorted(one.settings.env.items()))): None for one in asked}:
        configured = configured_profiles(project.root, _environment(environ, dict(variables)), project.flags.config)
        if name in own or _as_variable(name) in map(_as_variable, configured):
            continue
        hint = _hint(name, sorted({*own, *configured}.difference(BUILT_IN)))
        if name == flag:
            raise UsageError(f"--profile: cargo knows no profile {name!r}", hint=hint)
        where = next(_origins(project, name, editable=editable), "[tool.maturin] profile")
        raise ConfigError(f"pyproject.toml: {where}: cargo knows no profile {name!r}", hint=hint)


def _hint(name: str, custom: Sequence[str]) -> str:
    known = (*BUILT_IN, *custom)
    better = f"did you mean {_OTHER_WORDS[name]!r}?" if name in _OTHER_WORDS else did_you_mean(name, known)
    return f"{f'{better} ' if better else ''}known profiles: {', '.join(known)}"


def _environment(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables that cargo sees in a build."""
    return {key: value for key, value in {**environ, **changes}.items() if value is not None}


def _decidable(build: Build) -> bool:
    return build.settings.image is None and not any(word.startswith(_DECIDES) for word in build.settings.cargo_args)


def _own_profiles(project: Project) -> frozenset[str] | None:
    """Return the profiles of the workspace's manifest, the only one whose profiles count; ``None`` if unreadable."""
    try:
        table = read_toml(project.workspace_root / "Cargo.toml")
    except ConfigError:
        return None
    profiles = table.get("profile", {})
    return frozenset(profiles) if isinstance(profiles, dict) else None


def _as_variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _origins(project: Project, name: str, *, editable: bool) -> Iterator[str]:
    """Yield the keys of pyproject.toml that name a profile."""
    rows = (("include", project.options.include), ("overrides", project.options.overrides))
    for key, listed in rows:
        yield from (f"[tool.wheelmatrix] {key}[{n}].profile" for n, row in enumerate(listed) if row.profile == name)
    if editable and project.maturin.editable_profile == name:
        yield "[tool.maturin] editable-profile"
    if project.maturin.profile == name:
        yield "[tool.maturin] profile"
