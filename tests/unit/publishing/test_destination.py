from __future__ import annotations

import pytest

from matrix.arguments import parse
from matrix.errors import UsageError
from matrix.publishing.destination import Destination, destination_of


def where(*words: str, **environ: str) -> Destination:
    return destination_of(parse(["upload", *words, "a.whl"]), environ)


def test_nothing_said_is_pypi_and_may_be_asked() -> None:
    assert where() == Destination(repository="pypi", interactive=True)


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (["-r", "mine"], {"MATURIN_REPOSITORY": "other"}, ("mine", None)),
        ([], {"MATURIN_REPOSITORY": "other", "TWINE_REPOSITORY": "third"}, ("other", None)),
        ([], {"TWINE_REPOSITORY": "third"}, ("third", None)),
        (["--repository-url", "https://a/"], {"MATURIN_REPOSITORY_URL": "https://b/"}, ("pypi", "https://a/")),
        ([], {"MATURIN_REPOSITORY_URL": "https://b/", "TWINE_REPOSITORY_URL": "https://c/"}, ("pypi", "https://b/")),
        ([], {"TWINE_REPOSITORY_URL": "https://c/"}, ("pypi", "https://c/")),
        (["-r", "mine"], {"TWINE_REPOSITORY_URL": "https://c/"}, ("mine", None)),
        (["-r", "mine", "--repository-url", "https://a/"], {}, ("mine", "https://a/")),
    ],
)
def test_where_to(words: list[str], environ: dict[str, str], expected: tuple[str, str | None]) -> None:
    found = where(*words, **environ)
    assert (found.repository, found.url) == expected


@pytest.mark.parametrize(
    ("words", "environ", "expected"),
    [
        (["-u", "me", "-p", "word"], {"MATURIN_PYPI_TOKEN": "pypi-x"}, ("me", "word")),
        (["-u", "me"], {"MATURIN_PYPI_TOKEN": "pypi-x"}, ("__token__", "pypi-x")),
        ([], {"MATURIN_PYPI_TOKEN": "pypi-x", "MATURIN_PASSWORD": "no"}, ("__token__", "pypi-x")),
        ([], {"MATURIN_USERNAME": "me", "MATURIN_PASSWORD": "word", "TWINE_PASSWORD": "no"}, ("me", "word")),
        ([], {"TWINE_USERNAME": "me", "TWINE_PASSWORD": "word"}, ("me", "word")),
        (["--repository-url", "https://me:a%2Fb%20%C3%B6@host/"], {}, ("me", "a/b ö")),
        (["--repository-url", "https://me:word@host/", "-p", "other"], {}, ("me", "other")),
        (["--repository-url", "https://[me:word@host/"], {}, (None, None)),
        (["-u", ""], {"TWINE_USERNAME": "me"}, ("", None)),
    ],
)
def test_as_whom(words: list[str], environ: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    found = where(*words, **environ)
    assert (found.username, found.password) == expected


@pytest.mark.parametrize(
    ("words", "environ", "asks"),
    [
        (["--non-interactive"], {}, False),
        ([], {"MATURIN_NON_INTERACTIVE": "1"}, False),
        ([], {"TWINE_NON_INTERACTIVE": "true"}, False),
        ([], {"CI": "true"}, False),
        ([], {"CI": "false"}, True),
        ([], {"MATURIN_NON_INTERACTIVE": "0"}, True),
    ],
)
def test_who_may_be_asked(words: list[str], environ: dict[str, str], asks: bool) -> None:
    assert where(*words, **environ).interactive is asks


def test_an_empty_address_is_wrong() -> None:
    with pytest.raises(UsageError, match="--repository-url is empty"):
        where("--repository-url", "")


def test_what_opens_it_is_not_in_its_words() -> None:
    found = where("-u", "me", "-p", "s3cr3t", "--repository-url", "https://me:s3cr3t@host/")
    assert "s3cr3t" not in repr(found)
