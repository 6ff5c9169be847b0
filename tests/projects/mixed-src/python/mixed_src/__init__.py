"""Python around a native module."""

from mixed_src._native import LOUD, double

__all__ = ["LOUD", "double"]
