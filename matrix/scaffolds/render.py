"""The files of a new project as text: templates, filled in; pure but for reading the templates."""

from __future__ import annotations

import json
from importlib.resources import files as resources
from string import Template
from typing import Literal, TypeAlias

import msgspec

from matrix.scaffolds.kinds import Kind
from matrix.scaffolds.names import Names

__all__ = ["Choice", "Layout", "manifest_path", "render"]

Layout: TypeAlias = Literal["pure", "mixed", "src"]

_NATIVE = "_native"  # the compiled module inside a Python package
_INDENT = " " * 10  # of a command in the workflow


class Choice(msgspec.Struct, frozen=True):
    """What is to be made.

    Attributes:
        names: Its names.
        kind: Its bindings.
        layout: ``pure``: Rust alone; ``mixed``: the Python package in ``python``; ``src``: that in ``src``, and the
            crate in ``rust``.
    """

    names: Names
    kind: Kind
    layout: Layout


def manifest_path(layout: Layout) -> str:
    """Return where Cargo.toml lies in a project."""
    return "rust/Cargo.toml" if layout == "src" else "Cargo.toml"


def render(choice: Choice) -> dict[str, str]:
    """Return the text of every file, by path with ``/``; the two manifests are last."""
    kind, module = choice.kind, choice.names.module
    pure = choice.layout == "pure"
    crate = manifest_path(choice.layout).removesuffix("Cargo.toml")
    plan = {f"{crate}{path}": template for path, template in kind.files.items()}
    manifest = plan.pop(manifest_path(choice.layout))
    plan[f"tests/test_{module}.py"] = kind.tests[0 if pure else 1]
    plan[".gitignore"] = "common/gitignore"
    plan[".github/workflows/ci.yml"] = "common/ci.yml"
    made = {}
    if not pure:
        package = f"{_source(choice.layout)}/{module}"
        plan |= {f"{package}/{path}": template for path, template in kind.package.items()}
        made[f"{package}/py.typed"] = ""
    if kind.stub is not None:
        plan[_stub_path(choice)] = kind.stub
    plan[manifest_path(choice.layout)] = manifest
    plan["pyproject.toml"] = "common/pyproject.toml"
    words = _words(choice)
    return made | {path: _template(template).substitute(words) for path, template in plan.items()}


def _template(name: str) -> Template:
    folder, _, file = name.partition("/")
    path = resources("matrix.scaffolds") / "templates" / folder / f"{file}.in"
    return Template(path.read_text("utf-8"))


def _source(layout: Layout) -> str:
    return "src" if layout == "src" else "python"


def _stub_path(choice: Choice) -> str:
    if choice.layout == "pure":
        return f"{choice.names.module}.pyi"  # a wheel of Rust alone gets it as the stub of its package
    package = f"{_source(choice.layout)}/{choice.names.module}/{_NATIVE}"
    return f"{package}/__init__.pyi" if choice.kind.folder else f"{package}.pyi"


def _words(choice: Choice) -> dict[str, str]:
    """Return what stands for each word of the templates; those for several lines end with a line feed or are empty."""
    kind, names = choice.kind, choice.names
    tools = [f"python -m pip install {name}" for name in kind.build_needs]
    dependencies = f"dependencies = {json.dumps(kind.dependencies)}\n" if kind.dependencies else ""
    return {
        "project": names.project,
        "module": names.module,
        "native": names.module if choice.layout == "pure" else _NATIVE,
        "bindings": kind.name,
        "requires_python": kind.requires_python,
        "classifiers": "".join(f'    "{one}",\n' for one in kind.classifiers),
        "dependencies": dependencies,
        "layout": _layout(choice),
        "matrix": "\n".join(f"# {line}" for line in kind.matrix),
        "pythons": "".join(f"{_INDENT}  {version}\n" for version in kind.pythons),
        "tools": "".join(f"{_INDENT}{command}\n" for command in tools),
        "extra": "".join(f" {one.partition(';')[0]}" for one in kind.dependencies),
    }


def _layout(choice: Choice) -> str:
    """Return the lines of ``[tool.maturin]`` that say where things are."""
    if choice.layout == "pure":
        return ""
    module = choice.names.module
    lines = [f'module-name = "{module if choice.kind.name == "bin" else f"{module}.{_NATIVE}"}"']
    lines.append(f'python-source = "{_source(choice.layout)}"')
    if choice.layout == "src":
        lines.append(f'manifest-path = "{manifest_path(choice.layout)}"')
    return "".join(f"{line}\n" for line in lines)
