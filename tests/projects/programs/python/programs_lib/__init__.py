"""Python beside programs."""

NAMES = ("hello-program", "count-words")
