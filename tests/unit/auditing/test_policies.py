from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from matrix.auditing.policies import ARCHITECTURES, Family, policies, policy_for
from matrix.errors import UsageError

FAMILIES: tuple[Family, ...] = ("manylinux", "musllinux")
MUSL_LIBC = {
    "x86_64": "libc.musl-x86_64.so.1",
    "i686": "libc.musl-x86.so.1",
    "armv7l": "libc.musl-armv7.so.1",
    "aarch64": "libc.musl-aarch64.so.1",
}


def published(family: Family) -> dict[str, dict[str, Any]]:
    rows = json.loads(files("auditwheel").joinpath("policy").joinpath(f"{family}-policy.json").read_text())
    return {row["name"]: row for row in rows if row["name"] != "linux"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_level_exists_for_the_architectures_it_is_published_for(family: Family) -> None:
    theirs = {name: set(row["symbol_versions"]) for name, row in published(family).items()}
    ours: dict[str, set[str]] = {}
    for arch in ARCHITECTURES:
        for policy in policies(family, arch):
            ours.setdefault(policy.name, set()).add(arch)
    assert ours == theirs


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_row_is_what_auditwheel_publishes(family: Family, arch: str) -> None:
    rows = published(family)
    for policy in policies(family, arch):
        row = rows[policy.name]
        assert policy.priority == row["priority"]
        assert list(policy.aliases) == row["aliases"]
        libraries = {library for library in policy.libraries if not library.startswith("libc.musl-")}
        assert libraries == set(row["lib_whitelist"]) - {"libc.so"}
        assert {library: set(names) for library, names in policy.forbidden.items()} == {
            library: set(names) for library, names in row["blacklist"].items()
        }
        assert {family: set(versions) for family, versions in policy.versions.items()} == {
            family: set(versions) for family, versions in row["symbol_versions"][arch].items()
        }


@pytest.mark.parametrize("family", FAMILIES)
def test_policies_come_from_the_widest_to_the_narrowest(family: Family) -> None:
    for arch in ARCHITECTURES:
        priorities = [policy.priority for policy in policies(family, arch)]
        assert priorities == sorted(priorities, reverse=True)


def test_musl_policies_name_alpine_s_libc() -> None:
    for arch, soname in MUSL_LIBC.items():
        assert soname in policies("musllinux", arch)[0].libraries


def test_unknown_architecture_has_no_policy() -> None:
    assert policies("manylinux", "mips64") == ()
    assert policy_for("manylinux", (2, 17), "mips64") is None


def test_a_level_between_known_ones_caps_glibc_exactly() -> None:
    policy = policy_for("manylinux", (2, 20), "x86_64")
    assert policy is not None
    assert policy.tag == "manylinux_2_20_x86_64"
    assert policy.libraries == policies("manylinux", "x86_64")[2].libraries
    assert "__issignaling" in policy.forbidden["libc.so.6"]
    assert policy.allows("GLIBC_2.2.5")
    assert policy.allows("GLIBC_2.18")
    assert policy.allows("GLIBC_2.20")
    assert not policy.allows("GLIBC_2.22")
    assert not policy.allows("GLIBC_PRIVATE")
    assert not policy.allows("GLIBC_ABI_DT_RELR")
    assert policy.allows("GLIBCXX_3.4.19")
    assert not policy.allows("GLIBCXX_3.4.20")
    assert policy.allows("OPENSSL_3.0.0")


def test_a_level_above_the_known_ones_takes_the_newest() -> None:
    policy = policy_for("manylinux", (2, 43), "aarch64")
    assert policy is not None
    assert policy.allows("GLIBC_2.43")
    assert policy.allows("GLIBC_ABI_DT_RELR")
    assert not policy.allows("GLIBC_2.44")
    assert policy.priority < policies("manylinux", "aarch64")[-1].priority


def test_a_level_below_the_first_known_one_caps_it() -> None:
    policy = policy_for("manylinux", (2, 28), "riscv64")
    assert policy is not None
    assert policy.allows("GLIBC_2.27")
    assert not policy.allows("GLIBC_2.31")


def test_unknown_musl_level_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="musllinux_1_7"):
        policy_for("musllinux", (1, 7), "x86_64")
