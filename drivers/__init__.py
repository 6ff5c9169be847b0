"""Drivers: each says how a build becomes a command, and none runs anything.

To add one: a module here with a class that follows ``matrix.driver.Driver``, and a line in ``ALL``.
"""

from __future__ import annotations

from drivers.cargo import CargoDriver
from drivers.docker import DockerDriver
from drivers.xwin import XwinDriver
from drivers.zig import ZigDriver
from matrix.driver import Driver

__all__ = ["ALL"]

ALL: tuple[Driver, ...] = (
    CargoDriver(),
    ZigDriver(),
    XwinDriver(),
    DockerDriver(),
)
"""In the order in which they are asked."""
