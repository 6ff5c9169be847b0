"""The Python script that stands for a program which was moved beside its libraries."""

from __future__ import annotations

__all__ = ["shim"]

_SHIM = '''\
#!python
"""Starts the program of this name, which lies beside the packages so that it finds its libraries."""

import os
import sys

PROGRAM = {program}


def main():
    for folder in sys.path:
        path = os.path.join(folder, *PROGRAM.split("/"))
        if os.path.isfile(path):
            os.execv(path, sys.argv)
    sys.exit(f"{{PROGRAM}} is in no directory of sys.path")


if __name__ == "__main__":
    main()
'''


def shim(program: str) -> bytes:
    """Return a script for ``.data/scripts`` whose first line installers write anew (PEP 427).

    Args:
        program: The program's place in site-packages: ``hello.scripts/hello``.
    """
    return _SHIM.format(program=repr(program)).encode()
