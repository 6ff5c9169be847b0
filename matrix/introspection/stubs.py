"""Writes the stubs of a module and of the modules in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from matrix.introspection.chunks import Argument, Arguments, Attribute, Class, Expression, Function, Name, find_chunks
from matrix.introspection.names import Names
from matrix.introspection.tree import INCOMPLETE, Branch, Tree, grow, parts_of

__all__ = ["stub_files"]

_GETATTR = Function("__getattr__", Arguments(args=(Argument("name", annotation=Name("str")),)), returns=INCOMPLETE)
"""How a stub says that there is more (typing guide, "Incomplete stubs")."""


def stub_files(content: bytes, module: str, *, big_endian: bool = False) -> dict[str, str]:
    """Return the stubs of a module by their place: ``__init__.pyi``, and one for each module in it.

    Args:
        content: The module's binary.
        module: Its name, without the package.
        big_endian: The byte order of its target.

    Returns:
        Nothing when the binary does not describe it.
    """
    tree = grow(find_chunks(content, big_endian=big_endian), module)
    return {} if tree is None else dict(_files(tree, tree.root, module, PurePosixPath("__init__.pyi")))


def _files(tree: Tree, branch: Branch, dotted: str, path: PurePosixPath) -> Iterator[tuple[str, str]]:
    yield path.as_posix(), _Stub(tree, branch, dotted).text()
    folder = path.parent if path.name == "__init__.pyi" else path.with_suffix("")
    for below in branch.modules:
        name = below.chunk.name
        inside = folder / name / "__init__.pyi" if below.modules else folder / f"{name}.pyi"
        yield from _files(tree, below, f"{dotted}.{name}", inside)


class _Stub:
    """The stub of one module."""

    def __init__(self, tree: Tree, branch: Branch, dotted: str) -> None:
        self._tree, self._branch = tree, branch
        used: list[Expression] = [*parts_of(branch)]
        used += [Name("str"), INCOMPLETE] if branch.incomplete else []
        self._names = Names(dotted, branch.names(), map(tree.resolved, used), is_package=bool(branch.modules))

    def text(self) -> str:
        branch, names = self._branch, self._names
        below = ", ".join(f"{one.chunk.name} as {one.chunk.name}" for one in branch.modules)
        blocks = [[*_doc(branch.chunk.doc)], sorted([*names.imports, *([f"from . import {below}"] if below else [])])]
        listed = [*branch.names()]
        if listed and not branch.incomplete and "__all__" not in listed:
            quoted = ", ".join(f'"{name}"' for name in listed)
            blocks.append([f"__all__ = [{quoted}]"])
        blocks.append([line for one in branch.attributes for line in self._attribute(one)])
        blocks += [[*self._class(one, "")] for one in branch.classes]
        functions = [*branch.functions]
        if branch.incomplete and "__getattr__" not in listed:
            functions.append(_GETATTR)
        short: list[str] = []
        for function in functions:
            lines = [*self._function(function, "")]
            if len(lines) == 1:
                short += lines
            else:
                blocks += [short, lines]
                short = []
        blocks.append(short)
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    def _class(self, branch: Branch, outside: str) -> Iterator[str]:
        chunk = branch.chunk
        assert isinstance(chunk, Class)  # noqa: S101 - for the type checker
        yield from (f"@{self._said(one)}" for one in chunk.decorators)
        bases = f"({', '.join(map(self._said, chunk.bases))})" if chunk.bases else ""
        qualified = f"{outside}{chunk.name}."
        body = [
            *_doc(chunk.doc),
            *(line for one in branch.attributes for line in self._attribute(one)),
            *(line for one in branch.functions for line in self._function(one, qualified)),
            *(line for one in branch.classes for line in self._class(one, qualified)),
        ]
        yield f"class {chunk.name}{bases}:" + ("" if body else " ...")
        yield from _indented(body)

    def _attribute(self, attribute: Attribute) -> Iterator[str]:
        annotation = "" if attribute.annotation is None else f": {self._said(attribute.annotation)}"
        value = "" if attribute.value is None else f" = {self._said(attribute.value)}"
        yield f"{attribute.name}{annotation}{value}"
        yield from _doc(attribute.doc)

    def _function(self, function: Function, inside: str) -> Iterator[str]:
        for decorator in function.decorators:  # @x.setter, not @Class.x.setter
            yield f"@{self._said(decorator).removeprefix(inside)}"
        returns = "" if function.returns is None else f" -> {self._said(function.returns)}"
        start = "async def" if function.is_async else "def"
        line = f"{start} {function.name}({', '.join(self._arguments(function.arguments))}){returns}:"
        yield line if function.doc else f"{line} ..."
        yield from _indented(_doc(function.doc))

    def _arguments(self, given: Arguments) -> Iterator[str]:
        yield from map(self._argument, given.posonlyargs)
        if given.posonlyargs:
            yield "/"
        yield from map(self._argument, given.args)
        if given.vararg is not None:
            yield f"*{self._argument(given.vararg)}"
        elif given.kwonlyargs:
            yield "*"
        yield from map(self._argument, given.kwonlyargs)
        if given.kwarg is not None:
            yield f"**{self._argument(given.kwarg)}"

    def _argument(self, argument: Argument) -> str:
        annotation = "" if argument.annotation is None else f": {self._said(argument.annotation)}"
        sign = " = " if annotation else "="
        return f"{argument.name}{annotation}" + (
            "" if argument.default is None else f"{sign}{self._said(argument.default)}"
        )

    def _said(self, expression: Expression) -> str:
        return self._names.text(self._tree.resolved(expression))


def _doc(text: str | None) -> Iterator[str]:
    """Yield the lines of a docstring."""
    if not text:
        return
    yield '"""'
    for line in text.splitlines():
        safe = line.replace("\\", "\\\\").replace('"""', '""\\"')
        yield "".join(one if one >= " " else ascii(one)[1:-1] for one in safe)
    yield '"""'


def _indented(lines: list[str] | Iterator[str]) -> Iterator[str]:
    yield from (f"    {line}" if line else line for line in lines)
