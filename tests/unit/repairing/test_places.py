"""Where the libraries of a target are looked for, and which package they came from."""

from __future__ import annotations

import json
from pathlib import Path

from support.elf import Elf

from matrix.auditing.elf import read_elf
from matrix.repairing.layout import grafted_name, leads_inside
from matrix.repairing.nouns import Graft
from matrix.repairing.owners import Package, owner
from matrix.repairing.places import given_directories, linked_directories, loader_directories, sysroot_directories
from matrix.repairing.sbom import sbom_entry
from matrix.repairing.search import Library


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_loader_s_configuration_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "etc/ld.so.conf", "# mine\ninclude /etc/ld.so.conf.d/*.conf\ninclude ld.so.conf\n/opt/x # why\n")
    write(tmp_path / "etc/ld.so.conf.d/a.conf", "/usr/lib/x86_64-linux-gnu\n")
    found = [str(path.relative_to(tmp_path)) for path in loader_directories("glibc", "x86_64", tmp_path)]
    assert found[:3] == ["usr/lib/x86_64-linux-gnu", "opt/x", "lib"]
    assert [str(path) for path in loader_directories("musl", "x86_64", Path("/nowhere"))] == [
        "/nowhere/lib",
        "/nowhere/usr/local/lib",
        "/nowhere/usr/lib",
    ]
    write(tmp_path / "etc/ld-musl-x86_64.path", "/a:/b\n/c\n")
    assert len(loader_directories("musl", "x86_64", tmp_path)) == 3


def test_linked_paths_of_cargo_are_directories_of_libraries() -> None:
    said = ["native=/usr/lib", "/opt/lib", "dependency=/t/deps", "framework=/F", "all=/a", "native=rel", "/opt/lib"]
    assert [str(path) for path in linked_directories(said)] == ["/usr/lib", "/opt/lib", "/a"]
    assert given_directories("/a::/b") == (Path("/a"), Path("/b"))


def test_a_cross_build_searches_the_target_s_system_and_never_the_host_s() -> None:
    found = set(map(str, sysroot_directories([Path("/usr/lib/aarch64-linux-gnu")], "glibc", "aarch64")))
    assert found == {"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib/aarch64-linux-gnu"}
    assert "/usr/lib" not in map(str, sysroot_directories([Path("/usr/lib")], "musl", "x86_64"))
    found = set(map(str, sysroot_directories([Path("/root/sys/usr/lib64")], "glibc", "armv7l")))
    assert {"/root/sys/lib64", "/root/sys/usr/lib/arm-linux-gnueabihf"} <= found
    assert sysroot_directories([Path("/p/target/build/foo/out")], "glibc", "aarch64") == ()


def test_names_carry_the_digest_once() -> None:
    assert grafted_name("libz.so.1.2.13", "0123456789") == "libz-01234567.so.1.2.13"
    assert grafted_name("libz-01234567.so.1", "0123456789") == "libz-01234567.so.1"
    assert grafted_name("libx", "0123456789") == "libx-01234567"


def test_paths_that_leave_site_packages_are_dropped() -> None:
    entries = ["$ORIGIN", "${ORIGIN}/../other", "$ORIGIN/../../..", "/usr/lib", "$ORIGINAL/x", "$ORIGIN/$LIB"]
    assert leads_inside(entries, "hello") == ("$ORIGIN", "${ORIGIN}/../other")


def test_packages_are_told_by_the_databases_of_their_system(tmp_path: Path) -> None:
    deb, apk = tmp_path / "deb", tmp_path / "apk"
    write(deb / "usr/lib/a/libz.so.1", "")
    write(deb / "etc/os-release", 'NAME="Debian"\nID=debian\n')
    write(deb / "var/lib/dpkg/info/zlib1g:arm64.list", "/.\n/lib/a/libz.so.1\n")
    stanzas = [
        "Package: zlib1g\nArchitecture: amd64\nVersion: 9\n",
        "Package: zlib1g\nArchitecture: arm64\nVersion: 1:2",
    ]
    write(deb / "var/lib/dpkg/status", "\n".join(stanzas))
    found = owner(deb / "usr/lib/a/libz.so.1")
    assert found == Package(kind="deb", distribution="debian", name="zlib1g", version="1:2")
    assert found.purl == "pkg:deb/debian/zlib1g@1%3A2"
    write(apk / "usr/lib/libz.so.1", "")
    write(apk / "etc/os-release", "ID=alpine\n")
    write(
        apk / "lib/apk/db/installed", "P:musl\nV:1\nF:lib\nR:ld.so\n\nP:zlib\nV:1.3-r1\nF:usr\nF:usr/lib\nR:libz.so.1\n"
    )
    assert owner(apk / "usr/lib/libz.so.1") == Package(kind="apk", distribution="alpine", name="zlib", version="1.3-r1")
    assert owner(apk / "usr/lib/libother.so") is None


def test_the_bill_of_materials_is_the_same_wherever_the_libraries_lay() -> None:
    def entry(folder: str) -> bytes:
        grafts = [
            Graft(
                file=f"x.libs/{name}",
                library=Library(
                    soname=name, path=Path(folder, name), sha256=digest * 64, binary=read_elf(name, Elf().data)
                ),
            )
            for name, digest in (("libb.so.1", "b"), ("liba.so.1", "a"))
        ]
        known = Package(kind="deb", distribution="debian", name="liba1", version="1.0+b1")
        found = sbom_entry(
            "x-1.dist-info", "x-1-py3-none-any.whl", grafts, lambda path: known if path.name == "liba.so.1" else None
        )
        assert found.path == "x-1.dist-info/sboms/auditwheel.cdx.json"
        assert isinstance(found.source, bytes)
        return found.source

    assert entry("/usr/lib") == entry("/opt")
    document = json.loads(entry("/usr/lib"))
    assert {"serialNumber", "timestamp"}.isdisjoint({*document, *document["metadata"]})
    names = [component["name"] for component in document["components"]]
    assert names == ["x", "libb.so.1", "liba1"]
    purl = "pkg:deb/debian/liba1@1.0%2Bb1"
    assert document["components"][2]["purl"] == purl
    assert document["dependencies"][0]["dependsOn"] == [f"libb.so.1#{'b' * 64}", f"{purl}#{'a' * 64}"]
