"""Cargo features: which are asked for, which of them depend on the Python, and what they activate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from matrix.errors import ConfigError
from matrix.model import Interpreter

__all__ = ["ConditionalFeature", "Features", "activated", "split_features"]


class ConditionalFeature(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A feature of ``[tool.maturin] features`` that only some Pythons get.

    Attributes:
        feature: Its name, e.g. ``pyo3/abi3-py311``.
        python_version: PEP 440 specifier of the Python's version, e.g. ``>=3.11``.
        python_implementation: ``cpython``, ``pypy`` or ``graalpy``, in any case.
    """

    feature: str
    python_version: str | None = None
    python_implementation: str | None = None

    def holds(self, implementation: str, version: tuple[int, int]) -> bool:
        """Whether a Python of this implementation and version gets the feature.

        Raises:
            ConfigError: ``python-version`` is no PEP 440 specifier.
        """
        if self.python_implementation is not None and self.python_implementation.lower() != implementation:
            return False
        if self.python_version is None:
            return True
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - few projects need it

        try:
            return SpecifierSet(self.python_version).contains(f"{version[0]}.{version[1]}", prereleases=True)
        except InvalidSpecifier as error:
            raise ConfigError(
                f"pyproject.toml: [tool.maturin] features: python-version {self.python_version!r} is not a specifier",
                hint='write it as in ">=3.11"',
            ) from error


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """The features a project is built with unless a cell says otherwise.

    Attributes:
        names: Those that every build gets, in order, each once.
        conditional: Those that only some Pythons get.
        all_features: ``--all-features``.
        no_default_features: ``--no-default-features``.
    """

    names: tuple[str, ...] = ()
    conditional: tuple[ConditionalFeature, ...] = ()
    all_features: bool = False
    no_default_features: bool = False

    def for_python(self, implementation: str, version: tuple[int, int]) -> tuple[str, ...]:
        """Return the features that a build for this Python gets, sorted."""
        held = (one.feature for one in self.conditional if one.holds(implementation, version))
        return tuple(sorted({*self.names, *held}))

    def for_interpreter(self, interpreter: Interpreter | None) -> tuple[str, ...]:
        """Return the features that a build for ``interpreter`` gets, sorted; ``None`` gets no conditional one."""
        if interpreter is None:
            return tuple(sorted(set(self.names)))
        return self.for_python(interpreter.implementation, interpreter.version)


def split_features(words: Iterable[str]) -> tuple[str, ...]:
    """Return the features in ``words``, each a space or comma separated list as cargo takes it, each once."""
    return tuple(dict.fromkeys(name for word in words for name in re.split(r"[\s,]+", word) if name))


def activated(table: Mapping[str, Iterable[str]], features: Iterable[str], *, default: bool) -> frozenset[str]:
    """Return everything that ``features`` activate in a crate.

    Args:
        table: The crate's ``[features]``, as ``cargo metadata`` gives it.
        features: Features asked for, ``crate/feature`` words included.
        default: Whether the ``default`` feature is on.

    Returns:
        The crate's own features, and ``dependency/feature`` for what they turn on in dependencies.
    """
    pending = [*features, *(["default"] if default and "default" in table else [])]
    seen: set[str] = set()
    while pending:
        word = pending.pop().replace("?/", "/")
        if word not in seen:
            seen.add(word)
            pending.extend(table.get(word, ()))
    return frozenset(seen)
