from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from matrix.model import Build, Settings, StableAbi
from matrix.running.seeding import _SMALL, SeedWatch, clone, find_roots, find_seeds, is_cold, seed_of

BuildFactory = Callable[..., Build]


@pytest.fixture
def family(make_build: BuildFactory) -> list[Build]:
    return [make_build(name, pyo3_config=f"version={name}\n") for name in ("one", "two", "three")]


def lanes(folder: Path, builds: list[Build]) -> dict[str, Path]:
    return {build.id: folder / build.id for build in builds}


def warm(lane: Path, *parts: str) -> None:
    (lane.joinpath(*parts) / ".fingerprint").mkdir(parents=True)


def test_a_family_of_cold_lanes_has_one_seed(tmp_path: Path, family: list[Build]) -> None:
    (seed,) = find_seeds(family, lanes(tmp_path, family))
    assert seed.members == ("one", "two", "three")
    assert seed.build.cells == ()
    assert seed.build.interpreter is None
    assert seed.build.settings.cargo_args == ("--keep-going",)
    assert seed.build.id.startswith("seed-")


def test_warm_lanes_need_none_and_one_cold_lane_is_no_family(tmp_path: Path, family: list[Build]) -> None:
    warm(tmp_path / "one", "release")
    (seed,) = find_seeds(family, lanes(tmp_path, family))
    assert seed.members == ("two", "three")
    warm(tmp_path / "two", "release")
    assert find_seeds(family, lanes(tmp_path, family)) == ()


def test_another_profile_of_a_lane_does_not_warm_it(tmp_path: Path, family: list[Build]) -> None:
    for build in family:
        warm(tmp_path / build.id, "debug")
    assert len(find_seeds(family, lanes(tmp_path, family))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": Settings(profile="release", features=("simd",))},
        {"settings": Settings(profile="release", env={"CC": "clang"})},
        {"explicit_target": True},
        {"stable_abi": StableAbi(kind="abi3", version=(3, 10))},
        {"bindings": "bin", "pyo3_config": None},
    ],
)
def test_what_makes_binaries_differ_makes_families(
    tmp_path: Path, family: list[Build], changes: dict[str, object]
) -> None:
    other = msgspec.structs.replace(family[2], **changes)
    builds = [*family[:2], other]
    (seed,) = find_seeds(builds, lanes(tmp_path, builds))
    assert seed.members == ("one", "two")


def grow(seed: Path) -> None:
    for name, text in {
        "release/.fingerprint/serde-1/lib-serde": "hash",
        "release/deps/libserde-1.rlib": "library",
        "release/deps/libserde-1.rmeta": "metadata",
        "release/deps/serde-1.d": "deps",
        "release/build/serde-1/output": "cargo:rustc-cfg=x",
        "release/incremental/x/y": "left",
        "release/.cargo-lock": "",
    }.items():
        (seed / name).parent.mkdir(parents=True, exist_ok=True)
        (seed / name).write_text(text)
        os.utime(seed / name, (1_000_000, 1_000_000))


def test_a_clone_links_libraries_copies_the_rest_and_keeps_times(tmp_path: Path, family: list[Build]) -> None:
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    grow(seed)
    lane.mkdir()
    assert clone(seed, lane, family[0])
    files = {str(path.relative_to(lane)) for path in lane.rglob("*") if path.is_file()}
    assert files == {
        "release/.fingerprint/serde-1/lib-serde",
        "release/deps/libserde-1.rlib",
        "release/deps/libserde-1.rmeta",
        "release/deps/serde-1.d",
        "release/build/serde-1/output",
    }
    for name in files:
        linked = name.endswith((".rlib", ".rmeta"))
        assert (lane / name).samefile(seed / name) is linked
        assert (lane / name).stat().st_mtime == 1_000_000
    (lane / "release/build/serde-1/output").write_text("changed")
    assert (seed / "release/build/serde-1/output").read_text() == "cargo:rustc-cfg=x"


@pytest.mark.skipif(os.name != "posix", reason="a running program cannot be removed there")
def test_compiled_build_scripts_are_linked_but_not_what_is_named_alike(tmp_path: Path, family: list[Build]) -> None:
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    grow(seed)
    linked = {"release/build/serde-1/build_script_build-1": 0o755, "release/build/serde-1/build-script-other": 0o755}
    copied = {
        "release/build/serde-1/build_script_build-1.d": 0o644,
        "release/build/serde-1/out/build-script-build": 0o755,
        "release/build/serde-1/out/build-script-large": 0o644,
        "release/.fingerprint/serde-1/build-script-build-script-build": 0o644,
    }
    for name, mode in (linked | copied).items():
        (seed / name).parent.mkdir(parents=True, exist_ok=True)
        (seed / name).write_bytes(b"x" * (_SMALL + 1 if name.endswith("large") else 3))
        (seed / name).chmod(mode)
    lane.mkdir()
    assert clone(seed, lane, family[0])
    for name, mode in (linked | copied).items():
        assert (lane / name).samefile(seed / name) is (name in linked)
        assert (lane / name).read_bytes() == (seed / name).read_bytes()
        assert (lane / name).stat().st_mtime_ns == (seed / name).stat().st_mtime_ns
        assert (lane / name).stat().st_mode & 0o777 == mode


def test_a_warm_lane_is_never_touched(tmp_path: Path, family: list[Build]) -> None:
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    grow(seed)
    warm(lane, "release")
    assert not clone(seed, lane, family[0])
    assert not (lane / "release" / "deps").exists()


def test_a_clone_that_was_killed_is_made_again(tmp_path: Path, family: list[Build]) -> None:
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    grow(seed)
    (lane / ".release.cloning" / "half").mkdir(parents=True)
    assert is_cold(lane, family[0])
    assert clone(seed, lane, family[0])
    assert [path.name for path in lane.iterdir()] == ["release"]


def test_a_target_s_half_is_cloned_with_the_host_s(tmp_path: Path, family: list[Build]) -> None:
    build = msgspec.structs.replace(family[0], explicit_target=True)
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    grow(seed)
    warm(seed, build.target.triple, "release")
    lane.mkdir()
    assert clone(seed, lane, build)
    assert (lane / build.target.triple / "release" / ".fingerprint").is_dir()
    assert (lane / "release" / "deps").is_dir()
    assert not is_cold(lane, build)


def test_an_empty_seed_leaves_a_lane_cold(tmp_path: Path, family: list[Build]) -> None:
    (tmp_path / "seed").mkdir()
    (tmp_path / "lane").mkdir()
    assert not clone(tmp_path / "seed", tmp_path / "lane", family[0])


def script(name: str, source: Path) -> tuple[str, str]:
    package = f"registry+https://index#{name}@1.0.0"
    target = {"name": "build-script-build", "kind": ["custom-build"], "src_path": str(source)}
    built = {"reason": "compiler-artifact", "package_id": package, "target": target, "fresh": False}
    ran = {"reason": "build-script-executed", "package_id": package, "out_dir": "/o"}
    return json.dumps(built), json.dumps(ran)


def test_a_build_script_that_speaks_of_python_is_suspect_once_it_ran(tmp_path: Path) -> None:
    plain, asking = tmp_path / "plain.rs", tmp_path / "asking.rs"
    plain.write_text('fn main() { println!("cargo:rerun-if-changed=build.rs"); }')
    asking.write_text('fn main() { std::process::Command::new("python3"); }')
    watch = SeedWatch()
    for line in [*script("serde", plain), *script("numpy-sys", asking), *script("pyo3-macros", asking)]:
        watch.stdout(line)
    watch.stdout(script("never-ran", asking)[0])
    assert watch.suspects() == ["numpy-sys"]
    assert watch.compiled == 4


def test_a_script_that_cannot_be_read_is_suspect(tmp_path: Path) -> None:
    watch = SeedWatch()
    for line in script("gone", tmp_path / "gone.rs"):
        watch.stdout(line)
    assert watch.suspects() == ["gone"]


def test_the_same_family_has_the_same_seed_in_every_run(family: list[Build]) -> None:
    assert seed_of(family[0], "k") == seed_of(msgspec.structs.replace(family[0]), "k")


def _cross(make_build: BuildFactory, *triples: str, pythons: int = 1) -> list[Build]:
    return [
        make_build(
            f"{minor}-{triple}",
            pyo3_config=f"version=3.{minor}\n",
            explicit_target=True,
            target=msgspec.structs.replace(make_build().target, triple=triple),
        )
        for triple in triples
        for minor in range(pythons)
    ]


def _here(build: Build) -> str | None:
    return None if build.target.triple == "host" else ""


def test_targets_share_the_host_half_of_one_root(tmp_path: Path, make_build: BuildFactory) -> None:
    builds = _cross(make_build, "host", "a", "b", "c", pythons=2)
    places = lanes(tmp_path, builds)
    seeds = find_seeds(builds, places)
    found, roots = find_roots(builds, places, seeds, _here)
    assert found == seeds
    own, first, second, third = (seed.build.id for seed in seeds)
    assert roots == {second: first, third: first}
    assert own not in roots


def test_single_builds_get_a_root_too(tmp_path: Path, make_build: BuildFactory) -> None:
    builds = _cross(make_build, "a", "b", "c")
    places = lanes(tmp_path, builds)
    (root,), roots = find_roots(builds, places, find_seeds(builds, places), _here)
    assert root.members == ("0-a",)
    assert roots == {"0-b": root.build.id, "0-c": root.build.id}


def test_a_family_with_a_seed_is_the_root_of_single_builds(tmp_path: Path, make_build: BuildFactory) -> None:
    builds = [*_cross(make_build, "a"), *_cross(make_build, "b", pythons=2)]
    places = lanes(tmp_path, builds)
    seeds = find_seeds(builds, places)
    found, roots = find_roots(builds, places, seeds, _here)
    assert found == seeds
    assert roots == {"0-a": seeds[0].build.id}


@pytest.mark.parametrize("hosts", [{"a": "image-1", "b": "image-2"}, {"a": None, "b": ""}])
def test_hosts_that_differ_share_nothing(
    tmp_path: Path, make_build: BuildFactory, hosts: dict[str, str | None]
) -> None:
    builds = _cross(make_build, "a", "b")
    places = lanes(tmp_path, builds)
    assert find_roots(builds, places, (), lambda build: hosts[build.target.triple]) == ((), {})


def test_warm_lanes_and_plain_targets_need_no_root(tmp_path: Path, make_build: BuildFactory) -> None:
    builds = _cross(make_build, "a", "b")
    warm(tmp_path / "0-a", "a", "release")
    assert find_roots(builds, lanes(tmp_path, builds), (), _here) == ((), {})
    plain = [msgspec.structs.replace(build, explicit_target=False) for build in _cross(make_build, "c", "d")]
    assert find_roots(plain, lanes(tmp_path, plain), (), _here) == ((), {})


def test_only_the_host_half_is_cloned_into_another_target(tmp_path: Path, make_build: BuildFactory) -> None:
    (build,) = _cross(make_build, "b")
    seed, lane = tmp_path / "seed", tmp_path / "lane"
    warm(seed, "release")
    warm(seed, "b", "release")
    lane.mkdir()
    assert clone(seed, lane, build, host_only=True)
    assert (lane / "release" / ".fingerprint").is_dir()
    assert not (lane / "b").exists()
