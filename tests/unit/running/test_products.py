"""What a build made, and where it goes in a wheel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.archives import Layout
from matrix.events import Bus, Diagnostic, Event
from matrix.model import Artifact, Build, Command, Outcome, Settings
from matrix.platforms import known_interpreter, parse_target
from matrix.process import Ended
from matrix.running.build import portions
from matrix.running.companions import companions_of, staged_companions
from matrix.running.generating import plain_declarations
from matrix.running.products import product_entries
from matrix.running.watch import Watch

BuildFactory = Callable[..., Build]
LAYOUT = Layout(root=Path("/p"), module="", directory="demo", top="demo", crate="demo", python_source=Path("/p"))


def _artifact(name: str, kind: str = "bin", fresh: bool = True) -> str:
    message = {
        "reason": "compiler-artifact",
        "package_id": "path+file:///p#hello@0.1.0",
        "target": {"name": name, "kind": [kind], "crate_types": [kind]},
        "filenames": [f"/lane/debug/{name}"],
        "executable": f"/lane/debug/{name}",
        "fresh": fresh,
    }
    return msgspec.json.encode(message).decode()


def _ended(code: int = 0) -> Ended:
    return Ended(exit=code, timed_out=False, tail=())


@pytest.mark.parametrize(("triple", "suffix"), [("x86_64-unknown-linux-musl", ""), ("x86_64-pc-windows-gnu", ".exe")])
def test_programs_become_scripts(make_build: BuildFactory, triple: str, suffix: str) -> None:
    build = make_build(bins=("one", "two"), target=parse_target(triple))
    made = tuple(Artifact(path=f"/s/{name}{suffix}", kind="bin", crate=name) for name in build.bins)
    outcome = Outcome(build=build.id, status="ok", artifacts=made)
    entries = product_entries(LAYOUT, "demo-1.0", build, outcome, {f"/s/one{suffix}": Path("/copy")})
    assert [(entry.path, entry.source, entry.executable) for entry in entries] == [
        (f"demo-1.0.data/scripts/one{suffix}", Path("/copy"), True),
        (f"demo-1.0.data/scripts/two{suffix}", Path(f"/s/two{suffix}"), True),
    ]


def test_programs_are_compiled_one_by_one_only_where_rustc_gets_arguments(make_build: BuildFactory) -> None:
    build = make_build(bins=("one", "two"))
    assert portions(build) == (build,)
    strict = msgspec.structs.replace(build, settings=Settings(rustc_args=("-C", "debuginfo=0")))
    assert [part.bins for part in portions(strict)] == [("one",), ("two",)]
    single = msgspec.structs.replace(strict, bins=("one",))
    assert portions(single) == (single,)


def test_the_programs_of_a_build_are_collected_over_its_commands(make_build: BuildFactory) -> None:
    build = make_build(bins=("one", "two"))
    watch = Watch(build, Bus())
    for name in build.bins:
        watch.start(Command(argv=("cargo", name)), "log")
        watch.stdout(_artifact("hello", "lib"))
        watch.stdout(_artifact("other"))
        watch.stdout(_artifact(name, fresh=False))
    outcome = watch.outcome(_ended(), None)
    assert outcome.status == "ok", outcome
    assert [(one.crate, one.kind, one.path) for one in outcome.artifacts] == [
        ("one", "bin", "/lane/debug/one"), ("two", "bin", "/lane/debug/two"),
    ]  # fmt: skip
    assert (outcome.compiled, outcome.fresh) == (2, 2), "what the second command finds again counts once"


def test_a_program_that_cargo_did_not_make_is_a_failure(make_build: BuildFactory) -> None:
    watch = Watch(make_build(bins=("one", "two")), Bus())
    watch.start(Command(argv=("cargo",)), "log")
    watch.stdout(_artifact("one"))
    outcome = watch.outcome(_ended(), None)
    assert (outcome.status, outcome.reason) == ("failed", "cargo made no program named 'two'")


@pytest.mark.parametrize(
    ("mixed", "folder", "triple", "library"),
    [
        (False, "demo", "x86_64-unknown-linux-gnu", "libdemo.so"),
        (True, "demo/demo", "aarch64-apple-darwin", "libdemo.dylib"),
        (False, "demo", "x86_64-pc-windows-gnu", "demo.dll"),
    ],
)
def test_a_library_of_cffi_lies_in_a_folder_of_its_own(
    make_build: BuildFactory, mixed: bool, folder: str, triple: str, library: str
) -> None:
    build = make_build(bindings="cffi", target=parse_target(triple), interpreter=None)
    layout = Layout(
        root=Path("/p"), module="demo", directory="demo", top="demo", crate="demo", python_source=Path("/p"),
        folder=True, mixed=mixed,
    )  # fmt: skip
    made = (
        Artifact(path="/s/libx.so", kind="cdylib", crate="x"),
        Artifact(path="/s/generated/ffi.py", kind="generated", crate="ffi.py"),
    )
    entries = product_entries(layout, "demo-1.0", build, Outcome(build="b", status="ok", artifacts=made), {})
    assert [(entry.path, entry.executable) for entry in entries] == [
        (f"{folder}/{library}", True), (f"{folder}/ffi.py", False), (f"{folder}/__init__.py", False),
    ]  # fmt: skip
    init = entries[-1].source
    assert isinstance(init, bytes)
    compile(init, "__init__.py", "exec")
    assert f'"{library}"'.encode() in init


@given(st.text())
def test_what_cffi_gets_has_no_conditions_in_it(text: str) -> None:
    kept = plain_declarations(text)
    assert not [line for line in kept.splitlines() if line.lstrip().startswith("#") and "define" not in line]
    assert plain_declarations(kept) == kept
    assert plain_declarations("int f(void);\n") == "int f(void);\n"


def test_a_library_of_uniffi_keeps_its_name(make_build: BuildFactory) -> None:
    build = make_build(bindings="uniffi", interpreter=None)
    layout = Layout(
        root=Path("/p"), module="_demo", directory="demo", top="demo", crate="demo", python_source=Path("/p"),
        folder=True, mixed=True,
    )  # fmt: skip
    made = (
        Artifact(path="/s/libx.so", kind="cdylib", crate="x"),
        *(Artifact(path=f"/s/generated/{name}.py", kind="generated", crate=f"{name}.py") for name in ("a", "b")),
    )
    entries = product_entries(layout, "demo-1.0", build, Outcome(build="b", status="ok", artifacts=made), {})
    names = ["libx.so", "a.py", "b.py", "__init__.py"]
    assert [entry.path for entry in entries] == [f"demo/_demo/{name}" for name in names]
    assert entries[-1].source == b"from .a import *\nfrom .b import *\n"


@pytest.mark.parametrize(("module", "bins", "folder"), [("demo", (), "demo"), ("", ("one",), "demo-1.0.data/scripts")])
def test_companions_lie_beside_what_they_belong_to(
    make_build: BuildFactory, module: str, bins: tuple[str, ...], folder: str
) -> None:
    layout = Layout(
        root=Path("/p"), module=module, directory="demo", top="demo", crate="demo", python_source=Path("/p")
    )  # fmt: skip
    names = ("x.pdb", "x.dSYM/Contents/Info.plist")
    made = tuple(Artifact(path=f"/s/{name}", kind="companion", crate=name) for name in names)
    build = make_build(bins=bins)
    entries = product_entries(layout, "demo-1.0", build, Outcome(build="b", status="ok", artifacts=made), {})
    assert [(entry.path, entry.executable) for entry in entries] == [(f"{folder}/{name}", False) for name in names]


@pytest.mark.parametrize(
    ("triple", "folder", "name"),
    [
        ("x86_64-unknown-linux-gnu", False, "demo/core.cpython-312-x86_64-linux-gnu.so.dwp"),
        ("aarch64-unknown-linux-musl", False, "demo/core.cpython-312-aarch64-linux-musl.so.dwp"),
        ("x86_64-unknown-linux-gnu", True, "demo/libcore.so.dwp"),
    ],
)
def test_debuggers_look_for_debug_info_under_the_module_s_own_name(
    make_build: BuildFactory, triple: str, name: str, *, folder: bool
) -> None:
    layout = Layout(
        root=Path("/p"), module="core", directory="demo", top="demo", crate="x", python_source=Path("/p"), folder=folder
    )
    target = parse_target(triple)
    build = make_build(target=target, interpreter=known_interpreter("cpython", (3, 12), target))
    made = (
        Artifact(path="/s/libx.so", kind="cdylib", crate="x"),
        Artifact(path="/s/libx.so.dwp", kind="companion", crate="libx.so.dwp"),
    )
    entries = product_entries(layout, "demo-1.0", build, Outcome(build="b", status="ok", artifacts=made), {})
    assert [entry.path for entry in entries] == [name.removesuffix(".dwp"), name]


def test_only_wanted_companions_are_taken(tmp_path: Path) -> None:
    files = [f"/l/x{ending}" for ending in (".dll", ".dll.lib", ".pdb", ".dll.a", ".so.dwp", ".dylib.dSYM", ".d")]
    assert list(companions_of(files, ())) == []
    assert list(companions_of(files, {"import-lib"})) == ["/l/x.dll.lib", "/l/x.dll.a"]
    assert list(companions_of(files, {"debuginfo"})) == ["/l/x.pdb", "/l/x.so.dwp", "/l/x.dylib.dSYM"]
    bundle, into = tmp_path / "x.dSYM", tmp_path / "into"
    for name in ("Contents/Info.plist", "Contents/Resources/DWARF/x"):
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text(name)
    into.mkdir()
    staged = list(staged_companions(Artifact(path=str(bundle), kind="companion", crate=""), into))
    assert [one.crate for one in staged] == ["x.dSYM/Contents/Info.plist", "x.dSYM/Contents/Resources/DWARF/x"]
    assert all(Path(one.path).is_file() and Path(one.path).is_relative_to(into) for one in staged)


@pytest.mark.parametrize(
    ("mixed", "names", "places"),
    [
        (False, ("__init__.pyi", "sub.pyi"), ["demo/__init__.pyi", "demo/sub.pyi", "demo/py.typed"]),
        (True, ("__init__.pyi",), ["demo/_demo.pyi"]),
        (True, ("__init__.pyi", "sub.pyi"), ["demo/_demo/__init__.pyi", "demo/_demo/sub.pyi"]),
    ],
)
def test_stubs_lie_where_type_checkers_look(
    make_build: BuildFactory, mixed: bool, names: tuple[str, ...], places: list[str]
) -> None:
    layout = Layout(
        root=Path("/p"), module="_demo", directory="demo", top="demo", crate="demo", python_source=Path("/p"),
        mixed=mixed,
    )  # fmt: skip
    made = tuple(Artifact(path=f"/s/{name}", kind="stub", crate=name) for name in names)
    entries = product_entries(layout, "demo-1.0", make_build(), Outcome(build="b", status="ok", artifacts=made), {})
    assert [(entry.path, entry.executable) for entry in entries] == [(place, False) for place in places]


SEARCH = 'failed running `"xcrun" "--sdk" "macosx" "--show-sdk-path"` to find MacOSX.sdk\n'


@pytest.mark.parametrize(
    ("message", "level", "on_apple", "told"),
    [
        ('invoking `"xcrun" "--sdk" "macosx" "--show-sdk-path"` to find MacOSX.sdk failed: No such file or directory',
         "warning", False, False),
        (SEARCH, "warning", False, False),
        ("output of `xcrun` while finding MacOSX.sdk\nold", "warning", False, False),
        (SEARCH, "warning", True, True),
        (SEARCH, "error", False, True),
        ("unused variable: `sdk`", "warning", False, True),
    ],
)  # fmt: skip
def test_a_search_for_apple_s_sdk_elsewhere_stays_in_the_log(
    make_build: BuildFactory, message: str, level: str, *, on_apple: bool, told: bool
) -> None:
    heard: list[Event] = []
    watch = Watch(make_build(target=parse_target("aarch64-apple-darwin")), Bus([heard.append]), on_apple=on_apple)
    said = {"message": message, "level": level, "rendered": f"{level}: {message}"}
    target = {"name": "demo", "kind": ["cdylib"]}
    line = {"reason": "compiler-message", "package_id": "demo 1.0.0 (x)", "target": target, "message": said}
    assert watch.stdout(json.dumps(line)) == f"{level}: {message}".rstrip()
    assert any(isinstance(event, Diagnostic) for event in heard) is told
