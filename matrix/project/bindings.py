"""How the crate meets Python: which bindings, at which locked version, through which stable ABI.

Read off the resolved dependency graph, where features that come in through other crates are on too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from matrix.errors import ConfigError, UsageError, did_you_mean
from matrix.model import AbiKind, Interpreter, StableAbi
from matrix.project.cargo import CargoFlags, CargoMetadata, CargoPackage, ask_everywhere
from matrix.project.crate import Crate, crate_packages, reachable
from matrix.project.ranges import OLDEST_PYO3, Range, Ranges, free_threaded_range, python_ranges, release

__all__ = ["ANY_FLOOR", "Bindings", "BindingsKind", "Scoped", "detect_bindings", "read_scoped", "stable_abis"]

BindingsKind: TypeAlias = Literal["pyo3", "pyo3-ffi", "bin", "cffi", "uniffi", "rust-cpython"]
Scoped: TypeAlias = Mapping[tuple[str, str], frozenset[str]]

KINDS: tuple[BindingsKind, ...] = get_args(BindingsKind)
WATCHED = ("pyo3", "pyo3-ffi", "uniffi", "cpython")
ABI3T_FLOOR = (3, 15)  # PEP 803
RUST_CPYTHON: Range = ((3, 7), (3, 11))  # its last release, 0.7.2

ANY_FLOOR = (3, 0)
"""Floor of a stable ABI that names none (the bare ``abi3`` feature): that of the oldest Python it serves."""


class Bindings(msgspec.Struct, frozen=True, kw_only=True):
    """The bindings of a crate.

    Attributes:
        kind: ``pyo3``, ``pyo3-ffi``, ``bin``, ``cffi``, ``uniffi`` or ``rust-cpython``.
        version: Locked version of the bindings crate; empty for cffi, and for bin without pyo3.
        stable: Stable ABIs that the activated features choose, abi3 first; none: version-specific.
            A floor that no feature names is :data:`ANY_FLOOR`.
        ranges: Oldest and newest supported Python, by implementation; a missing one is not supported.
            Empty when the bindings do not care.
        free_threaded: Oldest and newest supported free-threaded CPython, or ``None``.
        features: Activated features of pyo3 and pyo3-ffi.
        table: ``[features]`` of pyo3, by name, with what each turns on.
        bindgen: Package of the workspace that has a program ``uniffi-bindgen``, or empty.
        source: Directory of pyo3-ffi as cargo unpacked it, or ``None``.
    """

    kind: BindingsKind
    version: str = ""
    stable: tuple[StableAbi, ...] = ()
    ranges: Ranges = msgspec.field(default_factory=dict)
    free_threaded: Range | None = None
    features: frozenset[str] = frozenset()
    table: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    source: Path | None = None
    bindgen: str = ""

    @property
    def any_python(self) -> bool:
        """Whether one wheel serves every Python: nothing in it is compiled against one."""
        return self.kind in ("cffi", "uniffi") or (self.kind == "bin" and not self.version)

    @property
    def embeds(self) -> bool:
        """Whether programs have a Python in them: pyo3 links libpython then."""
        return self.kind == "bin" and bool(self.version)

    @property
    def label(self) -> str:
        """Name and version for people: ``pyo3 0.30.1``."""
        return f"bin with pyo3 {self.version}" if self.embeds else f"{self.kind} {self.version}".strip()

    def supports(self, interpreter: Interpreter) -> bool:
        """Whether a version-specific build for this Python is supported."""
        if not self.ranges:
            return True
        held = self.free_threaded if interpreter.free_threaded else self.ranges.get(interpreter.implementation)
        return held is not None and held[0] <= interpreter.version <= held[1]


def stable_abis(features: Iterable[str]) -> tuple[StableAbi, ...]:
    """Return the stable ABIs that features of pyo3 choose, abi3 first; the lowest floor named counts."""
    found: list[StableAbi] = []
    words = set(features)
    kinds: tuple[AbiKind, ...] = get_args(AbiKind)
    for kind in kinds:
        floors = [
            (int(match[1]), int(match[2]))
            for match in (re.fullmatch(rf"{kind}-py(\d)(\d{{1,2}})", word) for word in words)
            if match
        ]
        if floors or kind in words:
            floor = min(floors, default=ANY_FLOOR)
            found.append(StableAbi(kind=kind, version=max(floor, ABI3T_FLOOR) if kind == "abi3t" else floor))
    return tuple(found)


def detect_bindings(
    metadata: CargoMetadata, crate: Crate, *, wish: str | None = None, scoped: Scoped | None = None
) -> Bindings:
    """Return the bindings of ``crate``.

    A dependency on pyo3 or pyo3-ffi counts first (a crate with programs and no cdylib is ``bin`` all the
    same), then uniffi, then rust-cpython; then a cdylib alone means cffi and a program bin.

    Args:
        metadata: What cargo said.
        crate: The crate that becomes the wheel.
        wish: Bindings that the user named, in place of what is detected.
        scoped: Dependencies of this crate alone, from :func:`read_scoped`, where the workspace has others.

    Raises:
        UsageError: ``wish`` is no bindings we know.
        ConfigError: The crate lacks what its bindings need.
    """
    found = _watched(metadata, scoped)
    kind = _kind(crate, found, wish)
    # a library of another type becomes a cdylib for whoever needs one; alone it does not tell what it is for
    undecided = wish is None and not found and not crate.names_of("cdylib") and not crate.names_of("bin")
    if kind != "bin" and (undecided or not crate.libraries):
        raise ConfigError(
            f"{crate.directory / 'Cargo.toml'}: crate {crate.name!r} has no cdylib target"
            + (", no program and no dependency that tells its bindings" if undecided else ""),
            hint='add crate-type = ["cdylib"] under [lib] in Cargo.toml'
            + (", and name the bindings with -b or `bindings` in [tool.maturin]" if undecided else ""),
        )
    if kind not in ("pyo3", "pyo3-ffi", "bin") or not {"pyo3", "pyo3-ffi"} & found.keys():
        only = found.get({"rust-cpython": "cpython"}.get(kind, kind))
        ranges: Ranges = {"cpython": RUST_CPYTHON} if kind == "rust-cpython" else {}
        bindgen = _bindgen(metadata, crate) if kind == "uniffi" else ""
        return Bindings(kind=kind, version=only.package.version if only else "", ranges=ranges, bindgen=bindgen)
    main = found.get("pyo3") or found["pyo3-ffi"]
    ffi = found.get("pyo3-ffi") or main
    ranges = python_ranges(main.package.version, ffi.package.metadata)
    features = main.features | ffi.features
    return Bindings(
        kind=kind,
        version=main.package.version,
        stable=stable_abis(features) if kind != "bin" else (),
        ranges=ranges,
        free_threaded=free_threaded_range(main.package.version, ranges),
        features=features,
        table=main.package.features,
        source=Path(ffi.package.manifest_path).parent,
    )


async def read_scoped(manifest: Path, flags: CargoFlags, root: Path) -> Scoped:
    """Return the bindings crates that this crate alone depends on, with the features that are on for it.

    ``cargo metadata`` unifies features over all workspace members (cargo#7754), so that a sibling's pyo3
    would be taken for ours; ``cargo tree`` resolves one crate as a build of it does.

    Args:
        manifest: Its Cargo.toml.
        flags: Features and flags to resolve with.
        root: The project's root.

    Returns:
        Features by name and version.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses the project.
    """
    shape = ("--edges=normal,build", "--prefix=none", "--format={p}|{f}")
    arguments = ("tree", "--manifest-path", str(manifest), *shape, *flags.selection(), *flags.general())
    answer = await ask_everywhere(arguments, manifest, root, narrow="--target", wide=("--target=all",))
    return parse_tree(answer)


def parse_tree(text: str) -> Scoped:
    """Return the bindings crates in lines such as ``pyo3 v0.30.1|abi3,default (*)``."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for line in text.splitlines():
        match = re.match(r"([\w-]+) v(\S+)[^|]*\|(\S*)", line)
        if match and match[1] in WATCHED:
            key = (match[1], match[2])
            found[key] = found.get(key, frozenset()) | frozenset(match[3].split(",")) - {""}
    return found


class _Found(msgspec.Struct, frozen=True):
    package: CargoPackage
    features: frozenset[str]


def _watched(metadata: CargoMetadata, scoped: Scoped | None) -> dict[str, _Found]:
    """Return the bindings crates that the root crate depends on, by name."""
    packages = crate_packages(metadata)
    found: dict[str, _Found] = {}
    for node in reachable(metadata):
        package = packages[node.id]
        if package.name not in WATCHED:
            continue
        features = frozenset(node.features)
        if scoped is not None:
            if (package.name, package.version) not in scoped:
                continue
            features = scoped[package.name, package.version]
        if package.name in found:
            versions = ", ".join(sorted((found[package.name].package.version, package.version)))
            raise ConfigError(
                f"the dependency graph holds {package.name} twice ({versions}), so which one binds is unclear",
                hint=f"see `cargo tree -d -i {package.name}`, and depend on one version of it",
            )
        found[package.name] = _Found(package, features)
    return found


def _kind(crate: Crate, found: Mapping[str, _Found], wish: str | None) -> BindingsKind:
    pyo3: BindingsKind | None = "pyo3" if "pyo3" in found else "pyo3-ffi" if "pyo3-ffi" in found else None
    if wish is not None:
        for kind in KINDS:
            if kind == wish:
                return _wished(crate, kind, pyo3, found)
        hint = did_you_mean(wish, KINDS) or f"known bindings: {', '.join(KINDS)}"
        raise UsageError(f"unknown bindings {wish!r} (-b, [tool.maturin] bindings)", hint=hint)
    library, program = bool(crate.names_of("cdylib")), bool(crate.names_of("bin"))
    if pyo3 is not None:
        return "bin" if program and not library else pyo3
    if "uniffi" in found:
        return "uniffi"
    if "cpython" in found:
        return "rust-cpython"
    return "bin" if program and not library else "cffi"


def _wished(crate: Crate, wish: BindingsKind, pyo3: BindingsKind | None, found: Mapping[str, _Found]) -> BindingsKind:
    if wish in ("pyo3", "pyo3-ffi"):
        if pyo3 is None:
            raise ConfigError(
                f"bindings = {wish!r}, but crate {crate.name!r} does not depend on {wish} with these features",
                hint=f"add it to [dependencies] in {crate.directory / 'Cargo.toml'}, or turn its feature on",
            )
        return pyo3
    crates = {"uniffi": "uniffi", "rust-cpython": "cpython"}
    if wish in crates and crates[wish] not in found:
        raise ConfigError(
            f"bindings = {wish!r}, but crate {crate.name!r} does not depend on {crates[wish]} with these features",
            hint=f"add it to [dependencies] in {crate.directory / 'Cargo.toml'}, or turn its feature on",
        )
    if wish == "bin" and not crate.names_of("bin"):
        raise ConfigError(
            f"bindings = 'bin', but crate {crate.name!r} has no program",
            hint="add src/main.rs or [[bin]], or drop the bindings key",
        )
    return wish


def _bindgen(metadata: CargoMetadata, crate: Crate) -> str:
    """Return the package whose program ``uniffi-bindgen`` goes with the locked uniffi: the crate's own comes first."""
    packages = crate_packages(metadata)
    members = [packages[one] for one in metadata.workspace_members if one in packages]
    for package in sorted(members, key=lambda one: one.id != crate.id):
        if any(one.name == "uniffi-bindgen" and "bin" in one.kind for one in package.targets):
            return package.name
    return ""


def binding_warnings(bindings: Bindings, dependencies: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what the user should know of the bindings before anything is compiled.

    Args:
        bindings: The bindings.
        dependencies: The project's requirements (PEP 508).
    """
    if bindings.kind == "cffi" and not any(
        re.match(r"cffi(?![\w-])", one.strip(), re.IGNORECASE) for one in dependencies
    ):
        missing = 'the wheel imports cffi, which is no dependency of it; add dependencies = ["cffi"]'
        return (f"pyproject.toml: [project] dependencies: {missing}",)
    if bindings.kind not in ("pyo3", "pyo3-ffi"):
        return ()
    said = []
    if release(bindings.version) < OLDEST_PYO3:
        oldest = ".".join(map(str, OLDEST_PYO3))
        said.append(f"{bindings.label} is older than {oldest}, the oldest release that is known to build")
    return tuple(said)
