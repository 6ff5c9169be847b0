"""Finished wheels repaired: what is copied, what gets another tag, what gets libraries, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.elf import Elf, Symbol
from support.natives import Dll, Dylib

from matrix.archives import wheel_problems
from matrix.auditing.wheel_audit import audit_wheel
from matrix.errors import WheelmatrixError
from matrix.model import Compatibility
from matrix.process import Completed
from matrix.repairing import Patchelf, Places
from matrix.repairing.wheels import Repaired, Workbench, repair_wheel

INFO = "x-1.dist-info"
SYSTEM = "/usr/lib/libSystem.B.dylib"


def needing(glibc: str, *needed: str, **more: object) -> Elf:
    symbol = Symbol("memcpy", version=f"libc.so.6:GLIBC_{glibc}")
    fields: dict[str, object] = {"needs": {"libc.so.6": [f"GLIBC_{glibc}"]}, "symbols": [symbol], **more}
    return Elf(needed=[*needed, "libc.so.6"], **fields)  # type: ignore[arg-type]


def wheel(folder: Path, platform: str, files: dict[str, bytes]) -> Path:
    """Write a wheel without a true RECORD: it is written anew."""
    path = folder / f"x-1-py3-none-{platform}.whl"
    tags = "".join(f"Tag: py3-none-{one}\n" for one in platform.split("."))
    texts = {"WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n{tags}", "METADATA": "Name: x\nVersion: 1\n"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, text in texts.items():
            archive.writestr(f"{INFO}/{name}", text)
        archive.writestr(f"{INFO}/RECORD", "")
    return path


def no_tool(argv: Sequence[str]) -> Completed:
    raise AssertionError(argv)


@pytest.fixture
def repair(tmp_path: Path) -> Callable[..., Repaired]:
    out, libraries = tmp_path / "out", tmp_path / "libraries"
    out.mkdir()
    libraries.mkdir()

    def repaired(
        path: Path, level: Compatibility | None = None, *exclude: str, tool: Patchelf | None = None
    ) -> Repaired:
        places = Places(given=(libraries,))
        patchelf = tool or Patchelf("patchelf", no_tool)
        bench = Workbench(out=out, level=level, exclude=(), places=lambda _: places, patchelf=patchelf)
        before = path.read_bytes()
        done = repair_wheel(path, bench)
        assert path.read_bytes() == before, "the old wheel is never touched"
        if done.wheel is not None:
            assert (out / done.wheel.file).is_file()
        else:
            assert not list(out.iterdir())
        return done

    return repaired


Repair = Callable[..., Repaired]


@pytest.mark.parametrize(
    ("platform", "glibc", "becomes"),
    [
        ("linux_x86_64", "2.28", "manylinux_2_28_x86_64"),
        ("manylinux_2_17_x86_64", "2.28", "manylinux_2_28_x86_64"),
        ("manylinux_2_34_x86_64", "2.28", "manylinux_2_34_x86_64"),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "2.17", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        ("linux_x86_64", "2.5", "manylinux1_x86_64.manylinux_2_5_x86_64"),
    ],
)
def test_a_wheel_that_lacks_nothing_keeps_a_true_tag_and_loses_another(
    tmp_path: Path, repair: Repair, platform: str, glibc: str, becomes: str
) -> None:
    path = wheel(tmp_path, platform, {"x/x.so": needing(glibc).data})
    done = repair(path)
    assert done.wheel is not None
    assert done.wheel.file == f"x-1-py3-none-{becomes}.whl"
    made = tmp_path / "out" / done.wheel.file
    if platform == becomes:
        assert done.status == "unchanged"
        assert made.read_bytes() == path.read_bytes()
    else:
        assert (done.status, done.bundled) == ("repaired", ())
        assert wheel_problems(made) == ()
        assert f"Tag: py3-none-{becomes.partition('.')[0]}\n" in zipfile.ZipFile(made).read(f"{INFO}/WHEEL").decode()


def test_pure_wheels_and_levels_not_met(tmp_path: Path, repair: Repair) -> None:
    pure = wheel(tmp_path, "any", {"x/__init__.py": b""})
    assert repair(pure).status == "unchanged"
    (tmp_path / "out" / pure.name).unlink()
    path = wheel(tmp_path, "linux_x86_64", {"x/x.so": needing("2.28").data})
    done = repair(path, Compatibility(family="manylinux", version=(2, 17)))
    assert done.status == "failed"
    assert done.reason == "asked for manylinux_2_17, needs glibc 2.28"
    older = "build on a system with an older glibc, such as an image of that level"
    assert done.hint == f"{older}; --plat manylinux_2_28 is met"
    foreign = wheel(tmp_path, "linux_aarch64", {"x/x.so": needing("2.28").data})
    assert "is built for x86_64, not for aarch64" in repair(foreign).reason
    fpe = needing("2.17")
    fpe = needing("2.17", symbols=[*fpe.symbols, Symbol("PyFPE_jbuf")])
    assert repair(wheel(tmp_path, "linux_x86_64", {"x/x.so": fpe.data})).status == "failed"


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"x/x.so": needing("2.17", "libgone.so.1").data},
         "name its directory with --ldpaths, leave it to others with --exclude, or link it statically"),
        ({"x-1.data/data/lib/x.so": needing("2.17", "libone.so.1").data}, "put it into a package"),
    ],
)  # fmt: skip
def test_hints_name_what_this_command_has(tmp_path: Path, repair: Repair, files: dict[str, bytes], hint: str) -> None:
    (tmp_path / "libraries").mkdir(exist_ok=True)
    (tmp_path / "libraries" / "libone.so.1").write_bytes(needing("2.17", soname="libone.so.1").data)
    done = repair(wheel(tmp_path, "linux_x86_64", files))
    assert (done.status, done.hint) == ("failed", hint)


def test_a_new_wheel_never_takes_the_place_of_the_old(tmp_path: Path, repair: Repair) -> None:
    path = wheel(tmp_path / "out", "manylinux_2_28_x86_64", {"x/x.so": needing("2.28").data})
    with pytest.raises(WheelmatrixError, match="would have its name in the same directory"):
        repair(path)


def test_libraries_go_in_and_all_else_stays(tmp_path: Path, repair: Repair) -> None:
    library = needing("2.17", soname="libone.so.1")
    (tmp_path / "libraries/libone.so.1").write_bytes(library.data)

    def patch(argv: Sequence[str]) -> Completed:
        if argv[-1] != "--version":
            needed = [argv[argv.index("--replace-needed") + 2]] if "--replace-needed" in argv else []
            soname = argv[argv.index("--set-soname") + 1] if "--set-soname" in argv else None
            rpath = argv[argv.index("--set-rpath") + 1] if "--set-rpath" in argv else None
            Path(argv[-1]).write_bytes(needing("2.17", *needed, soname=soname, rpath=rpath).data)
        return Completed(exit=0, stdout="patchelf 0.18.0", stderr="")

    path = wheel(tmp_path, "linux_x86_64", {"x/x.so": needing("2.17", "libone.so.1").data, "x/data": b"data"})
    done = repair(path, tool=Patchelf("patchelf", patch))
    assert done.wheel is not None, done
    made = tmp_path / "out" / done.wheel.file
    assert wheel_problems(made) == ()
    assert audit_wheel(made).external_libs == {}
    assert [one.library for one in done.bundled] == ["libone.so.1"]
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        assert names[:3] == ["x/x.so", "x/data", done.bundled[0].file]
        assert names[-1] == f"{INFO}/RECORD"
        assert f"{INFO}/sboms/auditwheel.cdx.json" in names


def test_wheels_of_other_systems_keep_their_name(tmp_path: Path, repair: Repair) -> None:
    (tmp_path / "libraries/one.dll").write_bytes(Dll().data)
    windows = repair(wheel(tmp_path, "win_amd64", {"x/x.pyd": Dll(imports=("One.dll", "KERNEL32.dll")).data}))
    assert windows.wheel is not None
    assert windows.wheel.file == "x-1-py3-none-win_amd64.whl"
    assert wheel_problems(tmp_path / "out" / windows.wheel.file) == ()
    assert windows.bundled[0].file.startswith("x/one-")
    (tmp_path / "libraries/l.dylib").write_bytes(Dylib(arch="x86_64", install_name="/opt/long/name/of/l.dylib").data)
    needed = ("/opt/a/very/long/install/name/that/leaves/room/for/others/l.dylib", SYSTEM)
    mac = repair(wheel(tmp_path, "macosx_11_0_x86_64", {"x/x.so": Dylib(arch="x86_64", needed=needed).data}))
    assert mac.wheel is not None, mac
    assert mac.wheel.file == "x-1-py3-none-macosx_11_0_x86_64.whl"
    assert mac.bundled[0].file.startswith("x.dylibs/l-")
    lacking = wheel(tmp_path, "win32", {"x/x.pyd": Dll(machine="32", imports=("gone.dll",)).data})
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    assert repair(lacking).reason == "needs gone.dll, which was not found"
