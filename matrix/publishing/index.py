"""An index, opened by twine: its address, its certificates, who uploads; and twine's words, made fit to be shown."""

from __future__ import annotations

import configparser
import contextlib
import importlib.metadata
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from packaging.version import Version

from matrix.errors import ConfigError, ToolError, UsageError, WheelmatrixError
from matrix.publishing.destination import Destination
from matrix.publishing.secrets import Secrets
from matrix.telling import say

__all__ = ["Index", "guarded", "need_twine", "open_index"]

_OLDEST = "6.1"  # trusted publishing
_INSTALL = "pip install 'wheelmatrix[publish]'"
_ASKED = "-u and -p, MATURIN_PYPI_TOKEN, ~/.pypirc or a keyring give them; in CI a trusted publisher needs none"
_PYPIRC = "~/.pypirc is described at https://packaging.python.org/specifications/pypirc/"


class Index:
    """An index to upload to.

    Attributes:
        settings: twine's view of it.
        secrets: What must not be shown of it.
        url: The address that takes uploads, fit to be shown.
        official: Whether it is PyPI or TestPyPI, which refuse some files.
        simple: Address of the list of projects, as well as it can be told.
        passing: Whether what opens it was made for a few minutes, by a trusted publisher.
    """

    def __init__(self, settings: Any, secrets: Secrets) -> None:
        from twine import repository, utils  # noqa: PLC0415 - only uploads need it

        address = str(settings.repository_config["repository"])
        host = urlsplit(address).netloc
        self.settings = settings
        self.secrets = secrets
        self.passing = False
        self._watch(settings.auth)
        self.url = secrets.hide(address)
        self.official = host in {urlsplit(one).netloc for one in (utils.DEFAULT_REPOSITORY, utils.TEST_REPOSITORY)}
        page = repository.WAREHOUSE_WEB if host == urlsplit(utils.DEFAULT_REPOSITORY).netloc else address
        page = repository.TEST_WAREHOUSE if host == urlsplit(utils.TEST_REPOSITORY).netloc else page
        self.simple = urljoin(page if page.endswith("/") else f"{page}/", "simple/")

    def _watch(self, resolver: Any) -> None:
        make = resolver.make_trusted_publishing_token

        def watched() -> str | None:
            token: str | None = make()
            self.passing = token is not None
            self.secrets.learn(token, user="__token__")
            return token

        resolver.make_trusted_publishing_token = watched

    def log_in(self) -> Any:
        """Return twine's repository, with whatever opens it: given, from a keyring, from the CI, or asked for.

        Raises:
            UsageError: There is no name or no password, and none may be asked for.
            WheelmatrixError: A trusted publisher was refused.
        """
        with guarded(self.secrets, self.url), contextlib.redirect_stdout(sys.stderr):
            repository = self.settings.create_repository()
            self.secrets.learn(self.settings.password, user=self.settings.username or "")
            name, word = repository.session.auth or ("", "")
            if not f"{name}{word}".isascii():  # indexes read UTF-8 (RFC 7617), and the library writes Latin-1
                repository.session.auth = name.encode(), word.encode()
            return repository


def need_twine() -> None:
    """See to it that twine is there.

    Raises:
        ToolError: It is not, or is too old.
    """
    try:
        import twine.settings  # noqa: F401, PLC0415 - only uploads need it
    except ImportError as error:
        name = (error.name or "twine").partition(".")[0]
        raise ToolError(f"uploading needs {name}, which is not installed", hint=_INSTALL) from None
    found = importlib.metadata.version("twine")
    if Version(found) < Version(_OLDEST):
        raise ToolError(f"twine {found} is too old: uploading needs {_OLDEST} or newer", hint=_INSTALL)


def open_index(destination: Destination, secrets: Secrets, *, verbose: bool = False) -> Index:
    """Find out where uploads go; nothing is sent yet, and nobody is asked.

    Raises:
        ConfigError: ``.pypirc`` cannot be read, or has no such section.
        UsageError: The address is none.
    """
    from twine.settings import Settings  # noqa: PLC0415 - only uploads need it

    secrets.learn_url(destination.url)
    secrets.learn(destination.password, user=destination.username or "")
    where = destination.url or destination.repository
    with guarded(secrets, where):
        settings = Settings(
            username=destination.username,
            password=destination.password,
            non_interactive=not destination.interactive,
            cacert=destination.certificates,
            repository_name=destination.repository,
            repository_url=destination.url,
            verbose=verbose,
            disable_progress_bar=True,
        )
        config = settings.repository_config
        secrets.learn_url(config["repository"])
        secrets.learn(config.get("password"), user=config.get("username") or "")
        settings.check_repository_url()
        return Index(settings, secrets)


@contextlib.contextmanager
def guarded(secrets: Secrets, where: str) -> Iterator[None]:
    """Turn what twine and its libraries raise and log into our own words, without a secret.

    Nothing is chained to an error: a traceback would show the words that were hidden.
    """
    with _overheard(secrets):
        try:
            yield
        except WheelmatrixError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a password
            found = _explained(error, secrets.hide(where), secrets)
            raise found from None


def _explained(error: Exception, where: str, secrets: Secrets) -> WheelmatrixError:
    import requests  # noqa: PLC0415 - only uploads need it
    from twine import exceptions as said  # noqa: PLC0415

    text = secrets.hide(" ".join(str(error).split()))
    found: WheelmatrixError
    match error:
        case said.NonInteractive() | EOFError():
            found = UsageError(f"{where}: no name or no password to upload with", hint=_ASKED)
        case said.TrustedPublishingFailure():
            hint = "is this workflow a publisher of the project?"
            found = WheelmatrixError(f"{where}: trusted publishing failed: {text}", hint=hint)
        case said.UnreachableRepositoryURLDetected() | said.UploadToDeprecatedPyPIDetected():
            found = UsageError(f"{where}: {text}", hint="--repository-url takes an address such as https://HOST/PATH/")
        case configparser.Error():
            found = ConfigError("Malformed configuration in ~/.pypirc.", hint=_PYPIRC)
        case KeyError():
            found = ConfigError(f"~/.pypirc: section {where} names no repository", hint=_PYPIRC)
        case said.TwineException():  # of the configuration; what files say is asked of them by themselves
            found = ConfigError(text.partition(" More info:")[0], hint=f"{_PYPIRC}; --repository-url needs none")
        case requests.RequestException():
            found = WheelmatrixError(f"{where} cannot be reached: {_cause(text)}")
        case OSError():
            found = WheelmatrixError(text)
        case _:
            found = WheelmatrixError(f"{where}: {type(error).__name__}: {text}")
    return found


def _cause(text: str) -> str:
    """Return the system's own words of a failed connection, or all there are."""
    match = re.search(r"\[Errno -?\d+\] ([^)'\"]+)|(Remote end closed connection without response)", text)
    return (match[1] or match[2]) if match is not None else text


@contextlib.contextmanager
def _overheard(secrets: Secrets) -> Iterator[None]:
    """Say what twine, keyrings and the HTTP library log, in our way."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            word = "warning" if record.levelno >= logging.WARNING else "note"
            say(word, secrets.hide(" ".join(record.getMessage().split())))

    ear = Ear()
    loggers = [logging.getLogger(name) for name in ("twine", "keyring", "urllib3", "id")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagates in zip(loggers, before, strict=True):
            logger.removeHandler(ear)
            logger.propagate = propagates
