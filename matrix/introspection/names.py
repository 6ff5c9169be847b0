"""What the names in a stub are called, and the imports that bring them there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from matrix.introspection.chunks import AttributeOf, BinOp, Constant, Expression, Listing, Name, Subscript, Tuple

__all__ = ["Names"]


class Names:
    """The names of one stub: what it defines keeps its name, anything else gets another one when that is taken.

    Args:
        module: The dotted name of the module.
        defined: Names that it defines.
        used: Expressions that it is written with, without ids.
        is_package: Whether it has modules in it, so that its stub is an ``__init__.pyi``.
    """

    def __init__(self, module: str, defined: Iterable[str], used: Iterable[Expression], *, is_package: bool) -> None:
        taken = {name: (module, name) for name in defined}
        self._called: dict[tuple[str, str], str] = {}
        imported: dict[str, list[str]] = {}
        for source, name in sorted({pair for one in used for pair in _imported(one)}):
            local = _free(name, (source, name), taken)
            self._called[source, name] = local
            known = taken.setdefault(local, (source, name)) == (source, name) and source == module
            if not known and not (source == "builtins" and local == name):
                imported.setdefault(source, []).append(name if local == name else f"{name} as {local}")
        self.imports = [
            f"from {_relative(source, module, is_package=is_package)} import {', '.join(names)}"
            for source, names in imported.items()
        ]

    def text(self, expression: Expression) -> str:  # noqa: PLR0911 - one for each kind
        """Return an expression as the stub writes it."""
        match expression:
            case Constant():
                return _constant(expression)
            case Name():
                return self._called["builtins", expression.id]
            case AttributeOf(value=Name(id=source)):
                first, dot, rest = expression.attr.partition(".")
                return f"{self._called[source, first]}{dot}{rest}"
            case AttributeOf():
                return f"{self.text(expression.value)}.{expression.attr}"
            case Tuple():
                return f"({self._several(expression)}{',' * (len(expression.elts) == 1)})"
            case Subscript(slice=inside):
                plain = isinstance(inside, Tuple) and inside.elts
                return f"{self.text(expression.value)}[{self._several(inside) if plain else self.text(inside)}]"
            case _:
                return self._several(expression)

    def _several(self, expression: Expression) -> str:
        """Return what is made of several expressions; a tuple without its parentheses when it has elements."""
        match expression:
            case BinOp():
                return " | ".join(dict.fromkeys(map(self.text, _operands(expression))))
            case Listing():
                return f"[{', '.join(map(self.text, expression.elts))}]"
            case Tuple():
                return ", ".join(map(self.text, expression.elts))
            case _:
                raise TypeError(f"an id is not resolved: {expression}")


def _imported(expression: Expression) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of everything that an expression speaks of."""
    match expression:
        case Name():
            yield "builtins", expression.id
        case AttributeOf(value=Name(id=source)):
            yield source, expression.attr.partition(".")[0]
        case AttributeOf():
            yield from _imported(expression.value)
        case BinOp():
            yield from (*_imported(expression.left), *_imported(expression.right))
        case Tuple() | Listing():
            yield from (pair for one in expression.elts for pair in _imported(one))
        case Subscript():
            yield from (*_imported(expression.value), *_imported(expression.slice))
        case _:
            return


def _free(name: str, what: tuple[str, str], taken: dict[str, tuple[str, str]]) -> str:
    """Return the name, with a number where something else has it: ``Path``, ``Path2``."""
    while taken.get(name, what) != what:
        stem, digits = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        name = f"{stem}{int(digits or 1) + 1}"
    return name


def _operands(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, BinOp):
        yield from (*_operands(expression.left), *_operands(expression.right))
    else:
        yield expression


def _constant(constant: Constant) -> str:
    match constant.kind:
        case "none":
            return "None"
        case "ellipsis":
            return "..."
        case "bool":
            return str(bool(constant.value))
        case "int":
            return str(constant.value)
        case "float":
            text = str(constant.value)
            return text if set(text) & {".", "e", "E"} else f"{text}."
        case "str":
            escaped = str(constant.value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{"".join(one if one >= " " else ascii(one)[1:-1] for one in escaped)}"'


def _relative(target: str, here: str, *, is_package: bool) -> str:
    """Return a module's name as another one of the same package imports it (PEP 328)."""
    there, own = target.split("."), here.split(".")
    if there[0] != own[0]:
        return target
    same = next((at for at, (a, b) in enumerate(zip(there, own, strict=False)) if a != b), min(len(there), len(own)))
    return "." * (len(own) - same + is_package) + ".".join(there[same:])
