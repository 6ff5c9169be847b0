"""What an index and twine say, made fit to be shown; servers are this process's own threads."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.wheels import tiny_wheel

from matrix.arguments import parse
from matrix.cli import main
from matrix.errors import ConfigError, ToolError, UsageError, WheelmatrixError
from matrix.publishing.destination import Destination
from matrix.publishing.index import guarded, need_twine, open_index
from matrix.publishing.publisher import Publisher
from matrix.publishing.secrets import Secrets

WORD = "s3cr3t-w0rd"
Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, dict[str, str], bytes]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Serve on this machine what ``answer`` says to each request; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            code, headers, text = answer(self, body)
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the library asks for this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the index, the keyring or the password of who runs it."""
    for name in ("REPOSITORY", "REPOSITORY_URL", "USERNAME", "PASSWORD", "PYPI_TOKEN", "NON_INTERACTIVE", "CERT"):
        for whose in ("MATURIN", "TWINE"):
            monkeypatch.delenv(f"{whose}_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def upload(url: str, tmp_path: Path, *flags: str) -> int:
    wheel = tiny_wheel(tmp_path)
    return main(["upload", str(wheel), "--repository-url", url, "-u", "me", "-p", WORD, "-vv", *flags])


def echo(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
    header = request.headers["Authorization"]
    plain = base64.b64decode(header.partition(" ")[2]).decode()
    return 400, {}, f"<html><style>x{{}}</style><p>You sent {header}, which is {plain} &amp; wrong".encode()


def test_an_index_that_tells_the_password_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(echo) as url:
        assert upload(url, tmp_path) == 1
    err = capsys.readouterr().err
    assert "refused tiny-1.0-py3-none-any.whl: 400 Bad Request: You sent Basic ***, which is me:*** & wrong" in err
    assert WORD not in err


def test_a_redirect_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(lambda _request, _body: (301, {"Location": f"https://me:{WORD}@elsewhere/"}, b"")) as url:
        assert upload(url, tmp_path) == 1
    err = capsys.readouterr().err
    assert f"error: {url} sends uploads on to https://***@elsewhere/\n" in err
    assert WORD not in err


@pytest.mark.parametrize("flags", [(), ("--skip-existing",)])
def test_an_index_that_knows_the_file_and_lists_none(
    flags: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        return (409, {}, b"there") if request.command == "POST" else (500, {}, b"")

    with answering(answer) as url:
        code = upload(url, tmp_path, *flags)
    err = capsys.readouterr().err
    assert code == (0 if flags else 1)
    assert ("skipped tiny-1.0-py3-none-any.whl" if flags else "is on the index already\n") in err


@pytest.mark.parametrize("stdin", ["me\n", ""])
def test_who_can_be_asked_is_asked_on_stderr(
    stdin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        seen.append(base64.b64decode(request.headers["Authorization"].partition(" ")[2]).decode())
        return 200, {}, b""

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: WORD)
    with answering(answer) as url:
        code = main(["upload", str(tiny_wheel(tmp_path)), "--repository-url", url])
    out, err = capsys.readouterr()
    assert "Enter your username: " in err
    assert WORD not in out + err
    if stdin:
        assert (code, seen) == (0, [f"me:{WORD}"])
    else:
        assert (code, seen) == (2, [])
        assert "no name or no password to upload with" in err


def test_a_trusted_publisher_needs_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub's and PyPI's parts are played; the libraries are the real ones, but for the scheme of the address."""
    asked: list[str] = []
    claims = base64.urlsafe_b64encode(json.dumps({"aud": "here", "exp": time.time() + 600}).encode()).decode()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path.partition("?")[0])
        said = {
            "/_/oidc/audience": {"audience": "here"},
            "/_/oidc/mint-token": {"token": WORD, "success": True},
            "/identity": {"value": f"e30.{claims.rstrip('=')}.sig"},
        }
        if request.path.startswith("/legacy/"):
            user = base64.b64decode(request.headers["Authorization"].partition(" ")[2]).decode()
            return (200 if user == f"__token__:{WORD}" else 403), {}, b""
        return 200, {}, json.dumps(said[request.path.partition("?")[0]]).encode()

    import requests
    from twine import utils

    def over_http() -> requests.Session:
        session = requests.Session()
        send = session.request
        session.request = lambda how, url, *a, **k: send(how, url.replace("https://", "http://"), *a, **k)  # type: ignore[method-assign]
        return session

    with answering(answer) as url:
        monkeypatch.setattr(utils, "TEST_REPOSITORY", f"{url}legacy/")
        monkeypatch.setattr(utils, "make_requests_session", over_http)
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("CI", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-workflow")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{url}identity?a=b")
        publisher = Publisher(parse(["upload", "a.whl", "--repository-url", f"{url}legacy/"]), {"CI": "true"})
        publisher.log_in()
        assert asked == ["/_/oidc/audience", "/identity", "/_/oidc/mint-token"]
        sent = publisher.upload([tiny_wheel(tmp_path)])
    assert sent.exit_code == 0, sent.error
    assert asked[3:] == [*asked[:3], "/legacy/"], "a token lives for minutes: a new one after the build"
    assert WORD not in capsys.readouterr().err


def test_twine_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "twine" or name.startswith("twine.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "twine", None)
    with pytest.raises(ToolError, match="uploading needs twine, which is not installed") as caught:
        need_twine()
    assert caught.value.hint == "pip install 'wheelmatrix[publish]'"
    assert caught.value.exit_code == 2


def test_twine_may_be_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "5.1.1")
    with pytest.raises(ToolError, match=r"twine 5\.1\.1 is too old: uploading needs 6\.1 or newer"):
        need_twine()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mine\n", "Malformed configuration in ~/.pypirc."),
        ("[distutils]\nindex-servers =\n", "Missing 'mine' section from ~/.pypirc."),
        (
            f"[distutils]\nindex-servers = mine\n[mine]\npassword = {WORD}\n",
            "~/.pypirc: section mine names no repository",
        ),
        (f"[mine]\npassword {WORD}\n", "Malformed configuration in ~/.pypirc."),
    ],
)
def test_a_pypirc_that_does_not_help(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / ".pypirc").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        open_index(Destination(repository="mine"), Secrets())
    assert caught.value.message == message
    assert "packaging.python.org" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url", ["host/path", "ftp://host/", f"https://me:{WORD}/x@host/", "https://", f"http://[{WORD}"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises((UsageError, WheelmatrixError)) as caught:
        open_index(Destination(url=url), Secrets())
    assert WORD not in f"{caught.value.message}{caught.value.hint}" or "@" not in url


def test_whatever_goes_wrong_keeps_the_secret_and_hides_its_cause() -> None:
    secrets = Secrets()
    secrets.learn(WORD)
    with pytest.raises(WheelmatrixError) as caught, guarded(secrets, f"https://me:{WORD}@host/"):
        raise LookupError(f"no {WORD} here")
    assert caught.value.message == "https://***@host/: LookupError: no *** here"
    assert caught.value.__suppress_context__
