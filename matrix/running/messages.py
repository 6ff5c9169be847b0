"""cargo's JSON messages as types (cargo reference, "External tools"); what we do not use is ignored."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

__all__ = ["BuildFinished", "BuildScript", "CompilerArtifact", "CompilerMessage", "Message", "parse_message"]


class CargoTarget(msgspec.Struct, frozen=True):
    """A cargo target: a library, a binary or a build script of a package."""

    name: str
    kind: tuple[str, ...] = ()
    crate_types: tuple[str, ...] = ()
    src_path: str = ""


class CompilerArtifact(msgspec.Struct, frozen=True, tag_field="reason", tag="compiler-artifact"):
    """One unit was compiled, or was fresh."""

    package_id: str
    target: CargoTarget
    filenames: tuple[str, ...] = ()
    executable: str | None = None
    fresh: bool = False


class Span(msgspec.Struct, frozen=True):
    """Where a diagnostic points."""

    file_name: str = ""
    line_start: int = 0
    is_primary: bool = False


class Code(msgspec.Struct, frozen=True):
    """A diagnostic's code: ``E0308`` or a lint's name."""

    code: str = ""


class RustcDiagnostic(msgspec.Struct, frozen=True):
    """A diagnostic of rustc."""

    message: str = ""
    level: str = ""
    code: Code | None = None
    spans: tuple[Span, ...] = ()
    rendered: str | None = None


class CompilerMessage(msgspec.Struct, frozen=True, tag_field="reason", tag="compiler-message"):
    """A diagnostic for one target."""

    package_id: str
    target: CargoTarget
    message: RustcDiagnostic


class BuildScript(msgspec.Struct, frozen=True, tag_field="reason", tag="build-script-executed"):
    """What a build script asked for."""

    package_id: str
    linked_libs: tuple[str, ...] = ()
    linked_paths: tuple[str, ...] = ()
    out_dir: str = ""


class BuildFinished(msgspec.Struct, frozen=True, tag_field="reason", tag="build-finished"):
    """The last message."""

    success: bool = False


Message: TypeAlias = CompilerArtifact | CompilerMessage | BuildScript | BuildFinished

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def parse_message(line: str) -> Message | None:
    """Return the message a line of cargo's stdout holds, or ``None`` when it holds none that we know."""
    if not line.startswith("{"):
        return None
    try:
        return _decoder.decode(line)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def package_name(package_id: str) -> str:
    """Return the package name of a package id, in both of cargo's forms.

    >>> package_name("registry+https://example#serde@1.0.0")
    'serde'
    >>> package_name("path+file:///p/hello#0.1.0")
    'hello'
    >>> package_name("serde 1.0.0 (registry+https://example)")
    'serde'
    """
    if "#" in package_id:
        source, fragment = package_id.rsplit("#", 1)
        return fragment.split("@")[0] if "@" in fragment else source.rstrip("/").rsplit("/", 1)[-1].split("?")[0]
    return package_id.split(" ", 1)[0]
