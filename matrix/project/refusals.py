"""What cargo says when it refuses, as errors that name a file and say what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

from matrix.ears import before_backtrace
from matrix.errors import ConfigError, ToolError
from matrix.files import as_written
from matrix.project.toml import place

__all__ = ["refusal"]

_MANIFEST = re.compile(
    r"(?:error: )?(?P<words>.+)\n\s*--> (?P<path>.+):(?P<line>\d+):(?P<column>\d+)\n?(?P<shown>[\s\S]*)$"
)
_CONFIGURATION = re.compile(
    r"could not parse TOML configuration in `(?P<path>[^`]+)`[\s\S]*"
    r"TOML parse error at line (?P<line>\d+), column (?P<column>\d+)\n(?P<shown>[\s\S]*)\n(?P<words>.+)$"
)

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
    lines = before_backtrace([line.rstrip() for line in words.splitlines() if line.strip()])
    start = next((at for at, line in enumerate(lines) if line.startswith("error")), 0)
    lines = [line for line in lines[start:] if not line.startswith("warning:")][:LINES]
    if not lines:
        return ToolError(f"cargo {verb} failed and said nothing")
    if (broken := _broken(lines, root)) is not None:
        return broken
    first = lines[0].removeprefix("error: ")
    text = "\n".join([first, *(f"  {line}" for line in lines[1:])])
    if first.startswith("rustup") or "no default is configured" in words or "no such command" in words:
        return ToolError(f"cargo does not work: {text}")
    if re.match(r"(custom )?toolchain '.*' is not installed|invalid toolchain", first):
        hint = "RUSTUP_TOOLCHAIN, a rust-toolchain file or an override chooses it: `rustup show` says which"
        return ToolError(f"cargo does not work: {text}", hint=hint)
    if re.match(r"(could not execute process|process didn't exit successfully:) `.* -vV`", first):
        hint = "install Rust (https://rustup.rs), or set RUSTC to the rustc to use"
        return ToolError(f"rustc is missing or does not work: {text}", hint=hint)
    return ConfigError(f"{as_written(manifest, root)}: {text}", hint=_hint(words))


def _broken(lines: list[str], root: Path) -> ConfigError | None:
    """Return what cargo says of a place in a manifest or in its configuration as ours: the place, then the words."""
    text = "\n".join(lines)
    said = _MANIFEST.match(text) or _CONFIGURATION.search(text)
    if said is None:
        return None
    where = f"{place(Path(os.path.normpath(root / said['path'])))}:{said['line']}:{said['column']}"
    shown = [f"  {line}" for line in said["shown"].splitlines()]
    return ConfigError("\n".join([f"{where}: {said['words'].strip()}", *shown]))


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
