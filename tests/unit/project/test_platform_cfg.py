from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.model import Target
from matrix.project.platform_cfg import applies


def _target(triple: str, os: str, libc: str = "", width: int = 64) -> Target:
    arch = triple.partition("-")[0]
    return Target(triple=triple, arch=arch, os=os, libc=libc, machine="", pointer_width=width)


LINUX = _target("x86_64-unknown-linux-gnu", "linux", "gnu")
MUSL = _target("armv7-unknown-linux-musleabihf", "linux", "musl", 32)
WINDOWS = _target("x86_64-pc-windows-msvc", "windows", "msvc")
MAC = _target("aarch64-apple-darwin", "macos")
TARGETS = (LINUX, MUSL, WINDOWS, MAC)


@pytest.mark.parametrize(
    ("platform", "holds"),
    [
        (None, (True, True, True, True)),
        ("x86_64-unknown-linux-gnu", (True, False, False, False)),
        ("cfg(unix)", (True, True, False, True)),
        ("cfg(windows)", (False, False, True, False)),
        ("cfg( not( windows ) )", (True, True, False, True)),
        ('cfg(target_os = "macos")', (False, False, False, True)),
        ('cfg(target_family="windows")', (False, False, True, False)),
        ('cfg(all(unix, not(target_env = "musl")))', (True, False, False, True)),
        ('cfg(any(target_os = "macos", all(windows, target_arch = "x86_64"),))', (False, False, True, True)),
        (
            'cfg(all(target_arch = "arm", target_pointer_width = "32", target_endian = "little"))',
            (False, True, False, False),
        ),
        ('cfg(not(target_has_atomic = "64"))', (False, False, False, False)),
        ('cfg(target_vendor = "apple")', (False, False, False, True)),
        ("cfg(all())", (True, True, True, True)),
        ("cfg(any())", (False, False, False, False)),
        ("cfg(docsrs)", (False, False, False, False)),
        ('cfg(not(feature = "std"))', (True, True, True, True)),
        ("cfg(all(unix", (True, True, True, True)),
        ("cfg(unix unix)", (True, True, True, True)),
        ("cfg(%)", (True, True, True, True)),
    ],
)
def test_platforms(platform: str | None, holds: tuple[bool, ...]) -> None:
    assert tuple(applies(platform, target) for target in TARGETS) == holds


_LEAVES = st.sampled_from(["unix", "windows", 'target_os = "linux"', 'target_env = "msvc"', "all()", "any()"])
_EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: (
        st.builds(
            lambda word, parts: f"{word}({', '.join(parts)})",
            st.sampled_from(["all", "any"]),
            st.lists(inner, max_size=3),
        )
        | inner.map(lambda one: f"not({one})")
    ),
    max_leaves=12,
)


@given(_EXPRESSIONS, st.sampled_from(TARGETS))
def test_not_turns_every_expression_around(expression: str, target: Target) -> None:
    assert applies(f"cfg(not({expression}))", target) is not applies(f"cfg({expression})", target)


@given(st.text(max_size=30) | st.text(alphabet='alnoty()=," ', max_size=60), st.sampled_from(TARGETS))
def test_any_text_has_an_answer(text: str, target: Target) -> None:
    assert applies(f"cfg({text}", target) in (True, False)
    assert applies("cfg(" + "not(" * 500 + text, target) in (True, False)
