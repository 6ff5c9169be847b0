from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.masking import mask_argv, mask_assignments, mask_urls


@pytest.mark.parametrize(
    "argv",
    [
        ("cargo", "--config", 'registries.corp.token="s3cr3t"'),
        ("cargo", "--config", "registry.token = 's3cr3t'"),
        ("cargo", "--config=registries.corp.credential-provider=s3cr3t"),
        ("cargo", "--token", "s3cr3t"),
        ("twine", "--password=s3cr3t"),
        ("cargo", "--index", "https://me:s3cr3t@example.org/index"),
        ("cargo", "--index", "https://s3cr3t@example.org/index"),
        ("docker", "run", "-e", "PLAIN=s3cr3t", "image"),
        ("/usr/bin/podman", "run", "--env", "PLAIN=s3cr3t", "image"),
        ("docker", "run", "--env=PLAIN=s3cr3t", "image"),
        ("wheelmatrix", "upload", "-p", "s3cr3t", "a.whl"),
        ("wheelmatrix", "upload", "-p", "-s3cr3t", "a.whl"),
        ("wheelmatrix", "publish", "-ps3cr3t"),
        ("wheelmatrix", "publish", "-qvps3cr3t"),
        ("wheelmatrix", "publish", "-qp", "s3cr3t"),
        ("wheelmatrix", "publish", "--password", "--s3cr3t"),
        ("wheelmatrix", "publish", "--password=two words 's3cr3t"),
        ("wheelmatrix", "publish", "--repository-url", "https://me:s3cr3t@example.org/"),
        ("env", "AWS_SECRET_ACCESS_KEY=s3cr3t", "cargo"),
    ],
)
def test_secrets_are_hidden(argv: tuple[str, ...]) -> None:
    masked = mask_argv(argv)
    assert "s3cr3t" not in " ".join(masked)
    assert "***" in " ".join(masked)
    assert len(masked) == len(argv)


def test_other_words_of_our_own_stay() -> None:
    argv = ("wheelmatrix", "publish", "-vf", "--profile", "dev", "-u", "me", "--", "-p", "x", "-C", "panic=abort")
    assert mask_argv(argv) == argv


def test_everything_else_stays() -> None:
    argv = (
        "cargo",
        "rustc",
        "--features=a,b",
        "--config",
        "profile.release.lto=true",
        "-e",
        "NAME=value",
        "--",
        "-C",
        "x=y",
    )
    assert mask_argv(argv) == argv
    assert (
        mask_urls("error: expected token: `)` at https://docs.rs/a@1")
        == "error: expected token: `)` at https://docs.rs/a@1"
    )


@given(st.text(), st.sampled_from(["token", "registries.corp.token", "API_KEY", "my-password"]))
def test_no_value_is_left(value: str, name: str) -> None:
    quoted = f'{name}="{value.replace(chr(34), "")}"'
    assert mask_assignments(quoted) == f"{name}=***"


def test_an_at_sign_in_a_password_shows_nothing_of_it() -> None:
    assert mask_urls("from https://u:p@ss@host/x and https://a@b") == "from https://***@host/x and https://***@b"
