"""How a command is run in a container: its engine, its image, what is mounted and what it may see."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePath

from drivers.images import compiler_names, compiler_prefixes, slug
from drivers.mounts import inside, mount, sources
from matrix.driver import Containers, DockerOptions, Host, Place
from matrix.model import Build, Command

__all__ = ["ENTER", "OURS", "SHARED", "engine_of", "enter_script", "given", "image_tag", "run_inside"]

OURS = "/wheelmatrix"
CARGO = f"{OURS}/cargo"
SHARED = ("registry", "git")
"""What containers share of cargo's home; its credentials stay outside."""
ENTER = Path(__file__).with_name("container").joinpath("enter.sh").read_text(encoding="utf-8")
"""The script that every container starts with."""


def engine_of(host: Host) -> Containers | None:
    """Return the engine: the one that was asked, else one that is there."""
    if host.containers is not None:
        return host.containers
    wanted = host.options_of("docker", DockerOptions).engine
    names = [name for name in ("docker", "podman") if name in host.tools and wanted in {None, name}]
    return Containers(engine=names[0], program=host.tools[names[0]]) if names else None


def given(place: Place) -> tuple[DockerOptions, Containers]:
    """Return the driver's settings, and the engine."""
    found = engine_of(place.host) or Containers(engine="docker", program="docker")
    return place.host.options_of("docker", DockerOptions), found


def run_inside(
    build: Build,
    place: Place,
    inner: Command,
    mounts: Iterable[tuple[str, str, bool]],
    *,
    name: str | None = None,
    writable: bool = False,
) -> Command:
    """Return the command that runs another one in a container.

    Args:
        build: What is built.
        place: Where; as this machine sees it.
        inner: What is run.
        mounts: More paths: here, there, and whether they are read-only.
        name: What the container is called.
        writable: Whether crates may be downloaded.
    """
    options, containers = given(place)
    every = [*mounts, (enter_script(place), f"{OURS}/enter.sh", True)]
    every += [(str(PurePath(containers.cargo_home, one)), f"{CARGO}/{one}", not writable) for one in SHARED]
    every += [(path, inside(place, path), True) for path in sources(place)]
    rust = containers.rust if options.toolchain != "image" else ""
    if rust:
        every += [(path, path, True) for path in containers.mounts]
    argv = [containers.program, "run", "--rm"]
    if containers.engine == "docker":  # podman's own init is a package apart
        argv.append("--init")
    if name is not None:
        argv += ["--name", name]
    # SELinux would hide what is mounted, and relabelling a home directory harms
    argv += ["--label", "wheelmatrix", "--user", containers.user, "--security-opt", "label=disable"]
    argv += ["--workdir", inside(place, place.root)]
    for folder in ("home", "cargo"):
        argv += ["--tmpfs", f"{OURS}/{folder}:rw,exec,mode=1777"]
    for here, there, fixed in every:
        argv += ["--mount", mount(here, there, fixed=fixed)]
    names = {*options.env, *(name for name, value in inner.env.items() if value is not None)}
    for variable in sorted(names - {"MAKEFLAGS", "MFLAGS"}):
        argv += ["--env", variable]  # by name alone: values stand in no command
    toolchain = options.toolchain if rust else "image"
    interpreter = build.interpreter
    python = "-" if interpreter is None else f"{interpreter.python_tag}-{interpreter.abi_tag}"
    argv += [*options.run_args, image_tag(build.settings.image or "", options), "sh", f"{OURS}/enter.sh"]
    argv += [toolchain, rust or "-", python, build.target.triple]
    argv += [compiler_names(build.target), compiler_prefixes(build.target), *inner.argv]
    return Command(
        argv=tuple(argv),
        env={name: value for name, value in inner.env.items() if value is not None},
        paths={there: here for here, there, _ in every},
    )


def image_tag(image: str, options: DockerOptions) -> str:
    """Return the image that builds run in: the one named, or what ``before-all`` made of it."""
    return f"wheelmatrix-before-all:{slug(image, options.before_all)}" if options.before_all else image


def enter_script(place: Place) -> str:
    """Return where the script lies that every container starts with; another version is another file."""
    return str(PurePath(place.cache, "docker", f"enter-{hashlib.sha256(ENTER.encode()).hexdigest()[:8]}.sh"))
