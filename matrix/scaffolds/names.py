"""The name of a new project, checked against the rules of everybody who has to live with it."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata

import msgspec

from matrix.errors import UsageError
from matrix.scaffolds.kinds import Kind

__all__ = ["Names", "check_name", "check_reserved"]

_RUST_KEYWORDS = (
    "abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if "
    "impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true try "
    "type typeof unsafe unsized use virtual where while yield"
)
_RUST_STD = frozenset({"alloc", "core", "proc_macro", "std"})
_WINDOWS = re.compile(r"aux|con|nul|prn|(com|lpt)[0-9]", re.IGNORECASE)
_DIRECTORIES = frozenset({"python", "rust", "src", "target", "tests"})
_NEEDED = frozenset({"matrix", "pytest", "wheelmatrix"})


class Names(msgspec.Struct, frozen=True):
    """What a new project is called.

    Attributes:
        project: The distribution and the crate, as the user wrote it: ``my-lib``.
        module: What Python imports: ``my_lib``.
        warnings: What the user should know of them.
    """

    project: str
    module: str
    warnings: tuple[str, ...] = ()


def check_name(name: str, origin: str) -> Names:
    """Return the names that follow from the project's.

    Cargo takes letters, digits, ``-`` and ``_``, no digit first and no Rust keyword; the specification of Python
    names (PEP 508) takes ASCII alone, with a letter or digit at both ends.

    Args:
        name: The project's name.
        origin: Where it comes from, for messages: ``--name``, or the directory.

    Raises:
        UsageError: It breaks a rule, which the error names.
    """
    broken = _broken(name)
    if broken:
        near = _near(name)
        raise UsageError(
            f"{name!r} cannot name a project ({origin}): {broken}",
            hint=f"for example --name {near}" if near else "choose another with --name",
        )
    module = name.replace("-", "_")
    warnings = []
    if keyword.iskeyword(module):
        warnings.append(f"{module!r} is a keyword of Python, so the module is called {module + '_'!r}")
        module += "_"
    elif module in sys.stdlib_module_names:
        warnings.append(f"{module!r} is a module of Python's standard library, and `import {module}` may find that one")
    if module in _RUST_STD:
        warnings.append(f"{module!r} is a crate of Rust's standard library")
    if _WINDOWS.fullmatch(name):
        warnings.append(f"{name!r} is no file name on Windows, so the project cannot be used there")
    return Names(name, module, tuple(warnings))


def check_reserved(names: Names, kind: Kind) -> None:
    """Refuse a name that the project's own files or needs have already.

    Raises:
        UsageError: It has.
    """
    plain = re.sub(r"[-_]+", "-", names.project).lower()  # PEP 503
    why = ""
    if plain in _DIRECTORIES:
        why = f"the project has a directory {plain!r}, which Python would take for its package"
    elif plain in _NEEDED:
        why = "its builds and tests import the package of that name"
    elif plain in kind.reserved:
        why = kind.reserved_for
    if why:
        hint = f"for example --name my-{plain}"
        raise UsageError(f"{names.project!r} cannot name this project: {why}", hint=hint)


def _broken(name: str) -> str:
    """Return the rule that a name breaks, or an empty string."""
    rules = (
        (not name, "it is empty"),
        (not name.isascii(), "Python's distributions have names of ASCII alone (PEP 508)"),
        (re.search(r"[^A-Za-z0-9_-]", name), "cargo takes letters, digits, '-' and '_' alone"),
        (name[:1].isdigit(), "cargo takes no digit at the start"),
        (not (name[:1].isalnum() and name[-1:].isalnum()), "it begins and ends with a letter or digit (PEP 508)"),
        (name.replace("-", "_") in _RUST_KEYWORDS.split(), "it is a keyword of Rust, which cargo refuses"),
        (name == "test", "it is Rust's own test library, which cargo refuses"),
    )
    return next((rule for broken, rule in rules if broken), "")


def _near(name: str) -> str:
    """Return a name close to one that breaks the rules, or an empty string."""
    letters = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))  # é is e
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", letters).strip("-_")
    for candidate in (plain.lstrip("0123456789").strip("-_"), f"my-{plain}"):
        if candidate and not _broken(candidate):
            return candidate
    return ""
