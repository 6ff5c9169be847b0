from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.publishing.held import listed

JSON = "application/vnd.pypi.simple.v1+json"


def test_a_page_of_links_lists_files_and_digests() -> None:
    page = """<html><body><a href="/packages/a-1.tar.gz#sha256=abc">a</a>
    <a href="https://files/a%2Bb-1.whl#md5=def" data-x>b</a> <a>none</a> <a href="../plain-1.whl">c</a></body>"""
    assert listed(page, "text/html") == {
        "a-1.tar.gz": {"sha256": "abc"},
        "a+b-1.whl": {"md5": "def"},
        "plain-1.whl": {},
    }


def test_a_page_in_json_too() -> None:
    page = json.dumps({"files": [{"filename": "a-1.whl", "hashes": {"sha256": "abc"}}]})
    assert listed(page, JSON) == {"a-1.whl": {"sha256": "abc"}}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 1}', '{"files": [{"hashes": 1, "filename": "x"}]}', "1"])
def test_a_broken_page_lists_nothing(text: str) -> None:
    assert listed(text, JSON) == {}


@given(st.text(), st.sampled_from([JSON, "text/html", ""]))
def test_no_page_makes_it_fail(text: str, kind: str) -> None:
    listed(text, kind)
