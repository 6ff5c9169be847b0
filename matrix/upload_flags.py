"""The flags of upload and publish, in the words of maturin and twine."""

from __future__ import annotations

import argparse

__all__ = ["add_index", "add_publish"]

_INDEX = "where to, and as whom"


def add_index(parser: argparse.ArgumentParser) -> None:
    """Add what decides on the index, the user and what is there already."""
    add = parser.add_argument_group(_INDEX).add_argument
    add(
        "-r",
        "--repository",
        metavar="NAME",
        help="index to upload to, a section of ~/.pypirc (default: pypi; env MATURIN_REPOSITORY, TWINE_REPOSITORY)",
    )
    add(
        "--repository-url",
        metavar="URL",
        help="address that takes uploads, instead of --repository (env MATURIN_REPOSITORY_URL, TWINE_REPOSITORY_URL)",
    )
    add("-u", "--username", metavar="NAME", help="user name (env MATURIN_USERNAME, TWINE_USERNAME)")
    add(
        "-p",
        "--password",
        metavar="TEXT",
        help="password or token; other programs see what stands in a command, so prefer "
        "env MATURIN_PYPI_TOKEN (user __token__), MATURIN_PASSWORD, TWINE_PASSWORD, or a keyring",
    )
    add(
        "--skip-existing",
        action="store_true",
        help="go on where a file is on the index already; one of other content stays an error where that can be told",
    )
    add(
        "--non-interactive",
        action="store_true",
        help="never ask for a name or a password (env MATURIN_NON_INTERACTIVE, TWINE_NON_INTERACTIVE; CI implies it)",
    )


def add_publish(parser: argparse.ArgumentParser) -> None:
    """Add to the flags of build what publish has of its own; a parser whose ``conflict_handler`` is ``resolve``."""
    add_index(parser)
    add = parser.add_argument_group("what is published").add_argument
    add("--partial", action="store_true", help="upload what was built even when some of it failed")
    add("--no-sdist", dest="sdist", action="store_false", help="make and upload no source distribution")
    add("--debug", action="store_true", help="do not build with the release profile")
    add("--no-strip", dest="strip", action="store_const", const=False, help="do not strip symbols from the binary")
    parser.set_defaults(sdist=True)
