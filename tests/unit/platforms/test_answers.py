from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.platforms.answers import AnswerCache, cache_directory
from matrix.platforms.probe import Answer

ANSWER = Answer(
    executable="/usr/bin/python3.12",
    implementation="cpython",
    version=(3, 12, 1),
    level="final:0",
    abi_flags="",
    ext_suffix=".cpython-312-x86_64-linux-gnu.so",
    shared=True,
    threaded=False,
    debug=False,
    pointer_width=64,
    platform="linux-x86_64",
    base_prefix="/usr",
    lib_dir="/usr/lib",
)


def test_an_answer_is_kept_for_as_long_as_its_file_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "interpreters.json"
    cache = AnswerCache(path)
    cache.put("/usr/bin/python3.12", "100:200", ANSWER)
    cache.save()
    again = AnswerCache(path)
    assert again.get("/usr/bin/python3.12", "100:200") == ANSWER
    assert again.get("/usr/bin/python3.12", "100:201") is None
    assert again.get("/usr/bin/python3", "100:200") is None


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "interpreters.json"
    AnswerCache(path).save()
    assert not path.exists()


def test_a_new_answer_replaces_the_old_one_and_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "interpreters.json"
    cache = AnswerCache(path)
    for number in range(700):
        cache.put(f"/python{number}", "1:1", ANSWER)
    cache.put("/python699", "2:2", ANSWER)
    cache.save()
    again = AnswerCache(path)
    assert again.get("/python699", "1:1") is None
    assert again.get("/python699", "2:2") == ANSWER
    assert again.get("/python300", "1:1") == ANSWER
    assert again.get("/python100", "1:1") is None


def test_two_searches_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "interpreters.json"
    one, other = AnswerCache(path), AnswerCache(path)
    one.put("a", "1:1", ANSWER)
    other.put("b", "1:1", ANSWER)
    one.save()
    other.save()
    again = AnswerCache(path)
    assert (again.get("a", "1:1"), again.get("b", "1:1")) == (ANSWER, ANSWER)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 1, "entries": []}', b'{"format": 99, "entries": {}}', b"[" * 5000],
)
def test_a_file_that_is_no_cache_is_an_empty_one_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "interpreters.json"
    path.write_bytes(content)
    cache = AnswerCache(path)
    assert cache.get("x", "1:1") is None
    cache.put("x", "1:1", ANSWER)
    cache.save()
    assert AnswerCache(path).get("x", "1:1") == ANSWER


@given(st.binary(max_size=200))
def test_any_bytes_are_a_cache_or_none(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "interpreters.json"
    path.write_bytes(content)
    assert AnswerCache(path).get("x", "1:1") is None


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (None, tmp_path / "file" / "interpreters.json", tmp_path):
        cache = AnswerCache(path)
        cache.put("x", "1:1", ANSWER)
        cache.save()
        assert cache.get("x", "1:1") == ANSWER


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="follows the XDG rules")
def test_where_the_cache_lies() -> None:
    assert cache_directory({"WHEELMATRIX_CACHE_DIR": "/elsewhere", "HOME": "/h"}) == Path("/elsewhere")
    assert cache_directory({"XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/x/wheelmatrix")
    assert cache_directory({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path("/h/.cache/wheelmatrix")
    assert cache_directory({"HOME": "/h"}) == Path("/h/.cache/wheelmatrix")


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("darwin", {"HOME": "/h"}, Path("/h/Library/Caches/wheelmatrix")),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/wheelmatrix/Cache")),
    ],
)
def test_where_it_lies_elsewhere(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], expected: Path
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_directory(environ) == expected


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_directory({}) is None
