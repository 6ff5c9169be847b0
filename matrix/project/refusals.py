"""What cargo says when it refuses, as errors that name a file and say what to do."""

from __future__ import annotations

import re
from pathlib import Path

from matrix.errors import ConfigError, ToolError

__all__ = ["refusal"]

LINES = 12
"""Lines of cargo's words that are shown at most."""


def refusal(verb: str, manifest: Path, root: Path, words: str) -> ConfigError | ToolError:
    """Return cargo's error as ours.

    Args:
        verb: cargo's command.
        manifest: The Cargo.toml it was about.
        root: The project's root.
        words: What cargo wrote to stderr.
    """
    lines = [line.rstrip() for line in words.splitlines() if line.strip()]
    start = next((at for at, line in enumerate(lines) if line.startswith("error")), 0)
    lines = [line for line in lines[start:] if not line.startswith("warning:")][:LINES]
    if not lines:
        return ToolError(f"cargo {verb} failed and said nothing")
    first = lines[0].removeprefix("error: ")
    text = "\n".join([first, *(f"  {line}" for line in lines[1:])])
    if first.startswith("rustup") or "no default is configured" in words or "no such command" in words:
        return ToolError(f"cargo does not work: {text}")
    if re.match(r"(could not execute process|process didn't exit successfully:) `.* -vV`", first):
        hint = "install Rust (https://rustup.rs), or set RUSTC to the rustc to use"
        return ToolError(f"rustc is missing or does not work: {text}", hint=hint)
    return ConfigError(f"{_shown(manifest, root)}: {text}", hint=_hint(words))


def _hint(words: str) -> str | None:
    if re.search(r"(--locked|--frozen) was passed|because --(locked|frozen)", words):
        return "run `cargo update --workspace` to renew Cargo.lock, or drop locked and frozen"
    if "offline" in words:
        return "run once without --offline, or `cargo fetch` beforehand"
    if (gone := re.search(r"failed to read `([^`]+)`\s+Caused by:\s+No such file", words)) is not None:
        return f"a path dependency points to {gone[1]}, which is not there: correct its path, or put the crate there"
    if re.search(r'(Read-only file system|Permission denied) \(os error \d+\) at path "[^"]*target', words):
        return "cargo writes into its target directory: name another with CARGO_TARGET_DIR"
    return None


def _shown(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return str(path)
