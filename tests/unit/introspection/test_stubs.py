"""Stubs from what a binary says of its module, wherever it lies in there."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.introspection import stub_files

INT = {"type": "attribute", "value": {"type": "name", "id": "builtins"}, "attr": "int"}
STR = {"type": "name", "id": "str"}
NONE = {"type": "constant", "kind": "none"}


def typed(module: str, name: str) -> dict[str, Any]:
    return {"type": "attribute", "value": {"type": "name", "id": module}, "attr": name}


def either(left: object, right: object) -> dict[str, Any]:
    return {"type": "binop", "left": left, "op": "bitor", "right": right}


def module(*members: str, name: str = "demo", ident: str = "m", **more: Any) -> dict[str, Any]:
    return {"id": ident, "members": list(members), "name": name, "type": "module", **more}


def function(name: str, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"arguments": arguments or {}, "id": name, "name": name, "type": "function", **more}


def binary(*chunks: dict[str, Any], order: Any = "little") -> bytes:
    """Chunks as rustc lays them out, with other bytes around them."""
    texts = [json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode() for chunk in chunks]
    noise = b'\0\x07{"id":1}\0{"type":"module"'
    return noise + noise.join(len(text).to_bytes(4, order) + text for text in texts) + noise


def stub(*chunks: dict[str, Any]) -> str:
    files = stub_files(binary(*chunks), "demo")
    ast.parse(files["__init__.pyi"])
    return files["__init__.pyi"]


def test_a_function_with_every_kind_of_argument() -> None:
    arguments = {
        "posonlyargs": [{"name": "a", "annotation": INT}],
        "args": [{"name": "b", "default": {"type": "constant", "kind": "ellipsis"}}],
        "kwonlyargs": [{"name": "c", "annotation": either(either(INT, NONE), INT), "default": NONE}],
        "kwarg": {"name": "kw", "annotation": STR},
    }
    found = stub(module("f", doc="What\n\nit is."), function("f", arguments, returns=STR, **{"async": True}))
    assert found == (
        '"""\nWhat\n\nit is.\n"""\n\n__all__ = ["f"]\n\n'
        "async def f(a: int, /, b=..., *, c: int | None = None, **kw: str) -> str: ...\n"
    )


@pytest.mark.parametrize("order", ["little", "big"])
def test_both_byte_orders(order: Any) -> None:
    content = binary(module("f"), function("f"), order=order)
    assert list(stub_files(content, "demo", big_endian=order == "big")) == ["__init__.pyi"]
    assert stub_files(content, "demo", big_endian=order != "big") == {}
    assert stub_files(content, "other") == {}
    assert stub_files(b"", "demo") == {}


def test_classes_with_bases_accessors_and_classes_in_them() -> None:
    of = {"type": "attribute", "value": {"type": "attribute", "value": {"type": "id", "id": "C"}, "attr": "x"}}
    found = stub(
        module("B", "C"),
        {"id": "B", "name": "B", "type": "class"},
        {"id": "C", "name": "C", "type": "class", "doc": "Doc.", "bases": [{"type": "id", "id": "B"}]},
        {"id": "I", "name": "Inner", "type": "class", "parent": "C", "decorators": [typed("typing", "final")]},
        {"name": "x", "type": "function", "parent": "C", "arguments": {}, "decorators": [{**of, "attr": "setter"}]},
        {"name": "x", "type": "function", "parent": "C", "arguments": {}, "returns": {"type": "id", "id": "I"},
         "decorators": [{"type": "name", "id": "property"}]},
        {"name": "SIZE", "type": "attribute", "parent": "C", "annotation": typed("typing", "Final"),
         "value": {"type": "constant", "kind": "float", "value": "1"}},
    )  # fmt: skip
    assert found == (
        'from typing import Final, final\n\n__all__ = ["B", "C"]\n\nclass B: ...\n\n'
        'class C(B):\n    """\n    Doc.\n    """\n    SIZE: Final = 1.\n'
        "    @property\n    def x() -> C.Inner: ...\n    @x.setter\n    def x(): ...\n"
        "    @final\n    class Inner: ...\n"
    )


def test_names_that_are_taken_get_another_one() -> None:
    path = typed("pathlib", "Path")
    found = stub(
        module("Path", "int", "f"),
        {"id": "Path", "name": "Path", "type": "class"},
        function("int"),
        function("f", {"args": [{"name": "a", "annotation": path}, {"name": "b", "annotation": INT}]}),
    )
    assert "from pathlib import Path as Path2\n" in found
    assert "from builtins import int as int2\n" in found
    assert "def f(a: Path2, b: int2): ..." in found


def test_modules_in_modules_import_each_other() -> None:
    files = stub_files(
        binary(
            module("P", "n"),
            {"id": "P", "name": "P", "type": "class"},
            module("d", name="sub", ident="n"),
            module("g", name="deep", ident="d"),
            function(
                "g",
                {"args": [{"name": "p", "annotation": {"type": "id", "id": "P"}}]},
                returns={"type": "id", "id": "?"},
            ),
        ),
        "demo",
    )
    assert list(files) == ["__init__.pyi", "sub/__init__.pyi", "sub/deep.pyi"]
    assert "from . import sub as sub\n" in files["__init__.pyi"]
    assert files["sub/__init__.pyi"] == 'from . import deep as deep\n\n__all__ = ["deep"]\n'
    assert files["sub/deep.pyi"].startswith("from .. import P\nfrom _typeshed import Incomplete\n")
    assert files["sub/deep.pyi"].endswith("def g(p: P) -> Incomplete: ...\n")


def test_what_is_not_all_says_so() -> None:
    for found in (stub(module(incomplete=True)), stub(module("gone"))):
        assert found == "from _typeshed import Incomplete\n\ndef __getattr__(name: str) -> Incomplete: ...\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_survives(text: str) -> None:
    value = {"type": "constant", "kind": "str", "value": text}
    found = stub(module("a"), {"id": "a", "name": "a", "type": "attribute", "value": value})
    (assigned,) = [node for node in ast.parse(found).body if isinstance(node, ast.Assign)][1:]
    assert ast.literal_eval(assigned.value) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12), min_size=1))
def test_any_docstring_survives(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = ast.get_docstring(ast.parse(stub(module(doc=text))), clean=False)
    assert (read or "").strip("\n") == "\n".join(text.splitlines()).strip("\n")
