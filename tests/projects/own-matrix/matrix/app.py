"""A namesake that must never be loaded in place of the tool's module."""

raise RuntimeError("a module of the project's own matrix was imported")
