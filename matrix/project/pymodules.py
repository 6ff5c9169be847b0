"""Which Python modules the text of a crate declares, so that a wrong ``module-name`` is told before compiling."""

from __future__ import annotations

import re
from pathlib import Path

from matrix.errors import ConfigError, did_you_mean
from matrix.project.bindings import Bindings
from matrix.project.crate import Crate
from matrix.project.maturin_options import MaturinOptions
from matrix.project.module import WHERE, Module

__all__ = ["check_module_name", "declared_modules"]

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_RUN = re.compile(
    r"(?P<attributes>(?:#\s*\[[^\]]*\]\s*)+)(?:pub\s*(?:\([^)]*\)\s*)?)?(?:unsafe\s+)?(?:fn|mod)\s+(?:r#)?(?P<name>[$\w]+)"
)
_MARK = re.compile(r"#\s*\[[^\]]*\bpymodule\b")
_RENAMED = re.compile(r'\bname\s*=\s*"([^"]+)"')
_BY_HAND = re.compile(r"\bPyInit_(\w+)")
_INITIALIZER = re.compile(r"\bpy_module_initializer!\s*[({\[]\s*(\w+)")
_ELSEWHERE = re.compile(r"\binclude!|#\s*\[\s*path\b")


def check_module_name(crate: Crate, bindings: Bindings, module: Module, options: MaturinOptions) -> None:
    """Refuse a name that no module of the library has: Python would not find its ``PyInit_``.

    Nothing is said where the text does not tell: modules made by macros, of another crate, or in included files.

    Args:
        crate: The crate that becomes the wheel.
        bindings: Its bindings.
        module: The module as configured.
        options: ``[tool.maturin]``.

    Raises:
        ConfigError: The library's modules are known, and none has the name.
    """
    if bindings.kind not in ("pyo3", "pyo3-ffi", "rust-cpython"):
        return
    roots = [Path(one.src_path) for one in crate.libraries]
    if len(roots) != 1:
        return
    declared = declared_modules(roots[0], module.name)
    if not declared or module.name in declared:
        return
    key = "module-name" if options.module_name is not None else "module-name (not set, so taken from the crate)"
    made = " or ".join(repr(one) for one in sorted(declared))
    right = f"{module.package}.{min(declared)}" if module.package else min(declared)
    raise ConfigError(
        f"{WHERE} {key}: {module.full_name!r} would need a module {module.name!r}, but the library makes {made}",
        hint=did_you_mean(module.name, declared)
        or f'write module-name = "{right}", or name the Rust side {module.name!r}',
    )


def declared_modules(root: Path, wanted: str) -> frozenset[str] | None:
    """Return the names of the modules that a library's text declares, or ``None`` when the text does not tell.

    Args:
        root: The library's root file; files below its directory count too (only beside it, where the manifest lies).
        wanted: A name that ends the search as soon as it is seen.
    """
    found: set[str] = set()
    rest = root.parent.rglob("*.rs")
    if (root.parent / "Cargo.toml").is_file():  # the whole package lies below, cargo's target directory too
        rest = root.parent.glob("*.rs")
    for path in (root, *sorted(one for one in rest if one != root)):
        try:
            text = _COMMENT.sub(" ", path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return None
        names = _names(text)
        if wanted in (names or ()):
            return frozenset({wanted})
        if names is None:
            return None
        found |= names
    return frozenset(found)


def _names(text: str) -> set[str] | None:
    """Return the modules of one file, or ``None`` when it may declare some that cannot be read from it."""
    names = {*_BY_HAND.findall(text), *_INITIALIZER.findall(text)}
    marked = [run for run in _RUN.finditer(text) if _MARK.search(run["attributes"])]
    for run in marked:
        renamed = _RENAMED.search(run["attributes"])
        names.add(renamed[1] if renamed else run["name"])
    seen_all = len(marked) == len(_MARK.findall(text))
    return names if seen_all and not _ELSEWHERE.search(text) and not any("$" in one for one in names) else None
