"""This project's own drivers."""

import os

if "OWN_MATRIX" not in os.environ:
    raise RuntimeError("the project's own drivers were imported")
