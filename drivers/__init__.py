"""Drivers: each says how a build becomes a command; none runs anything."""
