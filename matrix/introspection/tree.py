"""The chunks of a binary as a tree: what lies in which module and class, and where each thing is imported from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from matrix.introspection.chunks import (
    Attribute,
    AttributeOf,
    Chunk,
    Class,
    Expression,
    Function,
    Id,
    Listing,
    Module,
    Name,
    Subscript,
    Tuple,
)
from matrix.introspection.chunks import BinOp as Union

__all__ = ["Branch", "Tree", "grow", "parts_of"]

INCOMPLETE = AttributeOf(Name("_typeshed"), "Incomplete")
"""What stands for a type that the binary does not describe."""


class Branch(msgspec.Struct, frozen=True):
    """A module or a class with what lies in it, each kind sorted by name.

    Attributes:
        chunk: Itself.
        attributes: Constants.
        classes: Classes.
        functions: Functions and methods; a getter stands before its setter.
        modules: Modules, in a module alone.
        incomplete: Whether more lies in it than is known.
    """

    chunk: Module | Class
    attributes: tuple[Attribute, ...] = ()
    classes: tuple[Branch, ...] = ()
    functions: tuple[Function, ...] = ()
    modules: tuple[Branch, ...] = ()
    incomplete: bool = False

    def names(self) -> Iterator[str]:
        """Yield the names that it defines, kind by kind."""
        yield from (one.name for one in self.attributes)
        yield from (one.chunk.name for one in self.classes)
        yield from (one.name for one in self.functions)
        yield from (one.chunk.name for one in self.modules)


class Tree(msgspec.Struct, frozen=True):
    """A module and where everything in it is imported from, by id: the dotted module, and the name in there."""

    root: Branch
    places: dict[str, tuple[str, str]]

    def resolved(self, expression: Expression) -> Expression:
        """Return an expression with ids replaced by what they stand for."""
        match expression:
            case Id():
                module, name = self.places.get(expression.id, ("_typeshed", "Incomplete"))
                return AttributeOf(Name(module), name)
            case AttributeOf():
                return AttributeOf(self.resolved(expression.value), expression.attr)
            case Union():
                return Union(self.resolved(expression.left), expression.op, self.resolved(expression.right))
            case Tuple() | Listing():
                return type(expression)(tuple(map(self.resolved, expression.elts)))
            case Subscript():
                return Subscript(self.resolved(expression.value), self.resolved(expression.slice))
            case _:
                return expression


def grow(chunks: Iterable[Chunk], name: str) -> Tree | None:
    """Return the module of this name as a tree, or ``None`` when the chunks have none."""
    found: list[Chunk] = list(dict.fromkeys(chunks))
    root = next((one for one in found if isinstance(one, Module) and one.name == name), None)
    if root is None:
        return None
    by_id = {one.id: one for one in found if one.id is not None}
    by_parent: dict[str, list[Chunk]] = {}
    for one in found:
        parent = None if isinstance(one, Module) else one.parent
        if parent is not None:
            by_parent.setdefault(parent, []).append(one)
    branch = _branch(root, by_id, by_parent)
    return Tree(branch, dict(_places(branch, name, "")))


def _branch(chunk: Module | Class, by_id: dict[str, Chunk], by_parent: dict[str, list[Chunk]]) -> Branch:
    inside: list[Chunk] = [*by_parent.get(chunk.id, ())]
    members = chunk.members if isinstance(chunk, Module) else ()
    inside += [by_id[member] for member in members if member in by_id]
    nested: list[Module | Class] = [one for one in inside if isinstance(one, Module | Class)]
    branches = [_branch(one, by_id, by_parent) for one in nested]
    branches.sort(key=lambda one: one.chunk.name)
    return Branch(
        chunk,
        attributes=tuple(sorted((one for one in inside if isinstance(one, Attribute)), key=lambda one: one.name)),
        classes=tuple(one for one in branches if isinstance(one.chunk, Class)),
        functions=tuple(sorted((one for one in inside if isinstance(one, Function)), key=_order)),
        modules=tuple(one for one in branches if isinstance(one.chunk, Module)),
        incomplete=isinstance(chunk, Module) and (chunk.incomplete or any(one not in by_id for one in members)),
    )


def _order(function: Function) -> tuple[str, bool, str]:
    getter = Name("property") in function.decorators
    return function.name, not getter, repr(function.decorators)


def _places(branch: Branch, module: str, inside: str) -> Iterator[tuple[str, tuple[str, str]]]:
    named: list[Attribute | Function] = [*branch.attributes, *branch.functions]
    for one in named:
        if one.id is not None:
            yield one.id, (module, f"{inside}{one.name}")
    for nested in branch.classes:
        name = f"{inside}{nested.chunk.name}"
        yield nested.chunk.id, (module, name)
        yield from _places(nested, module, f"{name}.")
    for below in branch.modules:
        yield from _places(below, f"{module}.{below.chunk.name}", "")


def parts_of(branch: Branch) -> Iterator[Expression]:
    """Yield every expression that the stub of a module, or of a class, is written with."""
    for attribute in branch.attributes:
        yield from (one for one in (attribute.annotation, attribute.value) if one is not None)
    for function in branch.functions:
        given = function.arguments
        yield from function.decorators
        for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            if argument is not None:
                yield from (one for one in (argument.annotation, argument.default) if one is not None)
        if function.returns is not None:
            yield function.returns
    for nested in branch.classes:
        assert isinstance(nested.chunk, Class)  # noqa: S101 - for the type checker
        yield from (*nested.chunk.bases, *nested.chunk.decorators)
        yield from parts_of(nested)
