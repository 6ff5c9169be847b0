"""The docker driver: cargo runs in a container of a manylinux, musllinux or cross image; podman does as well."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import msgspec

from drivers.images import image_for, slug
from drivers.inside import ENTER, OURS, SHARED, engine_of, enter_script, given, image_tag, run_inside
from drivers.mounts import inside
from drivers.rustc import fetch_step, fetch_steps, rustc_command, std_steps
from matrix.driver import BROUGHT, OUT_OF_REACH, DockerOptions, DriverSupport, Host, Place, Step, Tool, Wish
from matrix.model import Build, Command

__all__ = ["DockerDriver"]

# Where things lie in every container, so that no path tells one lane from another.
LANE = f"{OURS}/lane"
CONFIG = f"{OURS}/pyo3-config"
FIFO = f"{OURS}/jobserver"
_JOBSERVER = "-j --jobserver-fds=8,8 --jobserver-auth=8,8"
_GONE = 'for _ in 1 2 3 4; do "$0" rm -f "$1" >/dev/null 2>&1 && exit; sleep 0.3; done'
_HAS_RUST = "PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin; command -v cargo"
_UNLESS_RUST = '"$0" run --rm --label wheelmatrix "$1" sh -c "$2" >/dev/null 2>&1 || { shift 2; exec "$@"; }'
# ldd of glibc and of musl says "name => path (address)"; a library keeps the name of its file, and gets that as a link
_BRING = r"""
into=$1
export LD_LIBRARY_PATH="$2"
rm -rf "$into" && mkdir "$into" || exit 1
for file in /wheelmatrix/made/*; do ldd "$file" 2>/dev/null; done |
    sed -n 's|^[[:space:]]*\([^ ]*\) => \(/[^ ]*\) .*|\1 \2|p' | sort -u |
    while read -r name path; do
        real=$(readlink -f "$path")
        cp "$real" "$into/" || exit 1
        [ "${real##*/}" = "$name" ] || ln -sf "${real##*/}" "$into/$name"
    done
"""
_IS_HERE = '"$0" image inspect --format "{{.Id}}" "$1"'


class DockerDriver:
    """``docker run … cargo rustc``."""

    @property
    def name(self) -> str:
        """``docker``."""
        return "docker"

    @property
    def tools(self) -> tuple[Tool, ...]:
        """It needs docker or podman."""
        return (
            Tool(name="docker", install="apt-get install docker.io", needed=False),
            Tool(name="podman", install="apt-get install podman", needed=False),
        )

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        """Say whether the wish names an image or this driver, and an engine answers."""
        if wish.target.os != "linux":
            return DriverSupport(able=False, reason=f"containers build for Linux, not for {wish.target.triple}")
        if wish.image is None and not wish.asked:
            return DriverSupport(able=False, reason="no image is named for it")
        claimed = wish.image is not None
        hindrance = _hindrance(host)
        if hindrance is not None:
            return DriverSupport(able=False, reason=hindrance[0], hint=hindrance[1], claimed=claimed)
        options = host.options_of("docker", DockerOptions)
        image = image_for(wish, options.images)
        if image is None:
            return DriverSupport(
                able=False,
                reason=f"no image is known for {wish.target.triple} at {wish.level}",
                hint="name one: image in an override, or images in [tool.wheelmatrix.docker]",
            )
        return DriverSupport(
            able=True,
            reason=f"{_engine(host)} runs cargo in {image}",
            claimed=claimed,
            explicit=True,
            mark=f"-{slug(image, options.before_all)}",
            image=image,
        )

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        """Fetch every crate; then for each image: pull it, run ``before-all``, and look whether it can build."""
        containers = given(place)[1]
        steps = [*fetch_steps(builds, place)]
        shared = tuple(str(PurePath(containers.cargo_home, name)) for name in SHARED)
        steps.append(
            Step(
                what="directories that containers share",
                command=Command(argv=("mkdir", "-p", *shared)),
                builds=tuple(build.id for build in builds),
                files={enter_script(place): ENTER},
            )
        )
        images: dict[str, list[Build]] = {}
        for build in builds:
            images.setdefault(build.settings.image or "", []).append(build)
        for image, own in images.items():
            steps += _image_steps(image, own, place)
        return tuple(steps)

    def command(self, build: Build, place: Place) -> Command:
        """Return ``docker run`` of cargo; what cargo reports names the container's paths."""
        there = msgspec.structs.replace(
            place,
            manifest=inside(place, place.manifest),
            lane=LANE,
            pyo3_config=_seen(place.pyo3_config, CONFIG),
            python=_seen(place.python, None),
            jobserver=_JOBSERVER if _fifo(place) is not None else None,
            cargo_flags=_offline(place.cargo_flags),
        )
        inner = rustc_command(("cargo",), build, there)
        mounts = [(place.lane, LANE, False)]
        if there.pyo3_config == CONFIG and place.pyo3_config is not None:
            mounts.append((place.pyo3_config, CONFIG, True))
        if (fifo := _fifo(place)) is not None:
            mounts.append((fifo, FIFO, False))
        return run_inside(build, place, inner, mounts, name=_name(build, place))

    def host_of(self, build: Build) -> str:
        """Build scripts run in the image that they are compiled in, against its C library."""
        return build.settings.image or ""

    def shares_host(self, build: Build, host: Host) -> bool:
        """They are the same for every target that cargo is told."""
        del build, host
        return True

    def bring(self, build: Build, place: Place, folder: str, linked: Sequence[str]) -> Command:
        """Return what copies the image's own libraries; the image of another processor must run here for that."""
        paths = (LANE + one.removeprefix(place.lane) if one.startswith(f"{place.lane}/") else one for one in linked)
        inner = Command(argv=("sh", "-c", _BRING, "sh", f"{LANE}/{BROUGHT}", ":".join(paths)))
        return run_inside(build, place, inner, [(folder, f"{OURS}/made", True), (place.lane, LANE, False)])

    def stop(self, build: Build, place: Place) -> tuple[Command, ...]:
        """Remove the container: it outlives the engine's client. One that is about to start is waited for."""
        return (Command(argv=("sh", "-c", _GONE, given(place)[1].program, _name(build, place))),)


def _hindrance(host: Host) -> tuple[str, str] | None:
    """Return why no container can be run here, and what to do about it."""
    if host.target.os == "windows":
        return "containers that share files with Windows are not supported", "run it on Linux or macOS, or in WSL"
    containers = engine_of(host)
    if containers is None:
        wanted = host.options_of("docker", DockerOptions).engine or "docker or podman"
        package = {"podman": "podman"}.get(wanted, "docker.io")
        other = " (or podman)" if wanted == "docker or podman" else ""
        return f"it needs a container, and {wanted} is missing", f"apt-get install {package}{other}"
    if containers.fault:
        hint = "start its service (systemctl start docker), and see that you may use it"
        return f"{containers.engine} does not answer: {containers.fault}", hint
    if host.options_of("docker", DockerOptions).toolchain == "host" and host.containers is not None:
        hint = "install Rust with rustup, or use an image that has cargo"
        return None if containers.rust else ("this machine's Rust is part of the system and cannot be mounted", hint)
    return None


def _engine(host: Host) -> str:
    found = engine_of(host)
    return "docker" if found is None else found.engine


def _image_steps(image: str, builds: Sequence[Build], place: Place) -> Iterator[Step]:
    """Yield what is done once for an image; a step that fails costs the builds in that image."""
    options, containers = given(place)
    ids = tuple(build.id for build in builds)
    program = containers.program
    pull = "never" if place.host.offline and options.pull == "missing" else options.pull
    if pull == "never":
        command = Command(argv=("sh", "-c", _IS_HERE, program, image))
        hint = f"pull it: {containers.engine} pull {image}"
    elif pull == "missing":
        command = Command(argv=("sh", "-c", f'{_IS_HERE} 2>/dev/null || "$0" pull "$1"', program, image))
        hint = "is the image's name right, and may you pull it?"
    else:
        command = Command(argv=(program, "pull", image))
        hint = 'is the image\'s name right, and may you pull it? pull = "missing" keeps what is here'
    yield Step(what=f"image {image}", command=command, builds=ids, lock="docker-images", hint=hint)
    if options.before_all:
        folder = PurePath(place.cache, "docker", slug(image, options.before_all))
        steps = (f"FROM {image}", "USER 0", "COPY before-all.sh /tmp/", "RUN sh -e /tmp/before-all.sh", "")
        files = {"Dockerfile": "\n".join(steps), "before-all.sh": f"{options.before_all}\n"}
        argv = (program, "build", "--force-rm", "--tag", image_tag(image, options), str(folder))
        yield Step(
            what=f"before-all in {image}",
            command=Command(argv=argv),
            builds=ids,
            files={str(folder / name): text for name, text in files.items()},
            lock="docker-images",
            hint="before-all in [tool.wheelmatrix.docker] failed in this image",
        )
    yield from _std_steps(image, builds, place)
    for triple in sorted({build.target.triple for build in builds}):
        own = [build for build in builds if build.target.triple == triple]
        fetch = fetch_step(own, msgspec.structs.replace(place, manifest=inside(place, place.manifest), cargo="cargo"))
        look = fetch.command if options.toolchain != "host" else Command(argv=("cargo", "-V"))
        yield Step(
            what=f"Rust and a C compiler in {image}",
            command=run_inside(own[0], place, look, (), writable=options.toolchain != "host"),
            builds=tuple(build.id for build in own),
            lock="docker-crates",  # cargo's own lock is one of each container
            hint="use an image of the target's processor with a C compiler, and with cargo where this machine's does"
            " not run; before-all can install both",
        )


def _std_steps(image: str, builds: Sequence[Build], place: Place) -> Iterator[Step]:
    """Yield what adds standard libraries to this machine's Rust, where the image's own is not the one that compiles."""
    options, containers = given(place)
    if options.toolchain == "image" or not containers.rust:
        return
    for step in std_steps(builds, place):
        if options.toolchain == "host":
            yield step
            continue
        argv = ("sh", "-c", _UNLESS_RUST, containers.program, image_tag(image, options), _HAS_RUST, *step.command.argv)
        yield msgspec.structs.replace(step, command=Command(argv=argv), what=f"Rust in {image}, or {step.what}")


def _name(build: Build, place: Place) -> str:
    return f"wheelmatrix-{place.run or 'run'}-{hashlib.sha256(build.id.encode()).hexdigest()[:8]}"


def _seen(path: str | None, there: str | None) -> str | None:
    return path if path is None or path.startswith(OUT_OF_REACH) else there


def _fifo(place: Place) -> str | None:
    """Return the jobserver's FIFO where a container can share it: elsewhere engines run in a virtual machine."""
    return place.fifo if place.host.target.os == "linux" else None


def _offline(flags: tuple[str, ...]) -> tuple[str, ...]:
    return flags if {"--offline", "--frozen"} & set(flags) else (*flags, "--offline")
