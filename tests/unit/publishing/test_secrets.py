from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.publishing.secrets import Secrets, withheld

words = st.text(min_size=4, max_size=30)


@given(words, st.text(max_size=8))
def test_every_form_of_a_secret_is_hidden(secret: str, user: str) -> None:
    secrets = Secrets()
    secrets.learn(secret, user=user)
    header = base64.b64encode(f"{user}:{secret}".encode()).decode()
    for form in (secret, quote(secret, safe=""), header):
        assert secrets.hide(f"before «{form}» after") == "before «***» after"


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4, max_size=20))
def test_a_url_gives_its_password_away_to_be_hidden(password: str) -> None:
    secrets = Secrets()
    secrets.learn_url(f"https://someone:{password}@host/path")
    assert secrets.hide(f"Basic {password}!") == "Basic ***!"


@pytest.mark.parametrize(
    "url", ["https://a-token@host/", "https://me:a-token@host/x", "https://me:a%2Dtoken@host/", "https://u:a-token/@h/"]
)
def test_whatever_stands_before_a_host(url: str) -> None:
    secrets = Secrets()
    secrets.learn_url(url)
    assert "token" not in secrets.hide(f"cannot reach {url} with a-token")


def test_a_url_without_a_user_has_no_secret() -> None:
    secrets = Secrets()
    secrets.learn_url("https://host/path@1")
    assert secrets.hide("https://host/path@1 is fine, host too") == "https://host/path@1 is fine, host too"


def test_builds_do_not_see_what_opens_the_index() -> None:
    environ = {
        "MATURIN_PYPI_TOKEN": "a",
        "MATURIN_PASSWORD": "b",
        "TWINE_PASSWORD": "c",
        "MATURIN_REPOSITORY_URL": "https://u:p@h/",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "d",
        "PYPI_ID_TOKEN": "e",
        "PATH": "/bin",
        "MATURIN_STRIP": "true",
    }
    before = dict(environ)
    with withheld(environ):
        assert environ == {"PATH": "/bin", "MATURIN_STRIP": "true"}
    assert environ == before
