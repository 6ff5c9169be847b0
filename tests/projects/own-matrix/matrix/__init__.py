"""This project's own matrix: only its users may import it, never the tool that builds it."""

import os

if "OWN_MATRIX" not in os.environ:
    raise RuntimeError("the project's own matrix was imported")
