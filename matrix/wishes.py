"""What the command line asks for, as the values that the rooms below understand."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from matrix.archives import Compression
from matrix.errors import UsageError
from matrix.model import Target
from matrix.planning import Request
from matrix.platforms import UNIVERSAL2, archflags_target
from matrix.project import Changes, Project, Seconds, parse_duration
from matrix.project.cargo_config import VARIABLE, configured_target, names_target
from matrix.running.companions import Companion
from matrix.running.ingredients import AuditMode

INSPECT = "experimental-inspect"  # pyo3's feature that describes a module inside its binary

__all__ = [
    "audit_mode",
    "companions",
    "compression",
    "named_boms",
    "request_of",
    "run_flags",
    "seconds",
    "stubs",
]


def run_flags(project: Project, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the arguments that every cargo of a run gets, the builds' own ones excepted."""
    words = [*project.flags.general()]
    if options.ignore_rust_version:
        words.append("--ignore-rust-version")
    if options.timings:
        words.append("--timings")
    if options.future_incompat_report:
        words.append("--future-incompat-report")
    if options.verbose:
        words.append(f"-{'v' * min(options.verbose, 2)}")
    return tuple(words)


def request_of(options: argparse.Namespace, project: Project, environ: Mapping[str, str], host: Target) -> Request:
    """Return which cells the flags (and the variables that stand for flags) ask for.

    Raises:
        UsageError: Two flags contradict each other, or a value makes no sense.
    """
    if options.interpreter == []:
        raise UsageError("-i needs a value", hint='write -i 3.12, -i ">=3.10", or -f for every one found')
    words = tuple(word for word in options.interpreter or () if word.strip().lower() != "found")
    find = options.find_interpreter or len(words) < len(options.interpreter or ())
    targets, origin, default = _targets(options, project, environ, host)
    return Request(
        interpreters=words or None,
        interpreters_origin=options.interpreter_origin,
        find=find,
        targets=targets,
        targets_origin=origin,
        default_target=default,
        explicit_host=names_target(project.root, environ, project.flags.config),
        compatibility=tuple(options.compatibility) if options.compatibility else None,
        only=tuple(options.only or ()),
        settings=_changes(options, project, environ),
        prefers="zig" if options.zig else "",
        pgo=_wants_profile(options, environ),
        debuginfo=options.include_debuginfo and not options.editable,
        skip_audit=audit_mode(options, project) == "skip",
    )


def _targets(
    options: argparse.Namespace, project: Project, environ: Mapping[str, str], host: Target
) -> tuple[tuple[str, ...] | None, str, tuple[str, str] | None]:
    """Return the targets that flags or the environment ask for, which of them does, and cargo's configured one.

    What a file names is no flag: it stands in for the host alone, and leaves the rows of the matrix be.
    """
    if options.universal2 and options.target:
        raise UsageError(
            "--universal2 and --target contradict each other",
            hint=f"name it beside the others: --target {UNIVERSAL2}",
        )
    if options.universal2:
        return (UNIVERSAL2,), "--universal2", None
    if options.target:
        return tuple(options.target), "--target", None
    if project.options.targets:
        return None, "", None
    configured = configured_target(project.root, environ, project.flags.config)
    if configured is not None:
        triple, origin = configured
        triple = host.triple if triple == "host-tuple" else triple
        return ((triple,), origin, None) if origin == VARIABLE else (None, "", (triple, origin))
    flagged = archflags_target(environ, host)
    if flagged is not None and flagged != host:
        return (flagged.triple,), "ARCHFLAGS", None
    return None, "", None


def _changes(options: argparse.Namespace, project: Project, environ: Mapping[str, str]) -> Changes:
    if options.release and options.profile not in {None, "release"}:
        raise UsageError(f"--release and --profile {options.profile} contradict each other", hint="give one of them")
    profile = "release" if options.release else options.profile
    if profile is None and options.editable:
        profile = project.maturin.editable_profile
    if profile is None and project.maturin.profile is None:
        profile = "release" if _wants_profile(options, environ) else options.default_profile
    strip = options.strip
    if strip is None and environ.get("MATURIN_STRIP", "").lower() in {"true", "false"}:
        strip = environ["MATURIN_STRIP"].lower() == "true"
    features = None
    if options.features:
        features = tuple(word for words in options.features for word in words.replace(",", " ").split())
    return Changes(
        features=features,
        all_features=options.all_features or None,
        no_default_features=options.no_default_features or None,
        profile=profile,
        timeout=seconds(options),
        rustc_args=tuple(options.rustc_args) or None,
        strip=strip,
    )


def _wants_profile(options: argparse.Namespace, environ: Mapping[str, str]) -> bool:
    return options.pgo or environ.get("MATURIN_PGO", "").lower() in {"true", "1", "yes", "on"}


def seconds(options: argparse.Namespace) -> Seconds | None:
    """Return ``--timeout`` in seconds, or ``None``.

    Raises:
        UsageError: It is no duration.
    """
    if options.timeout is None:
        return None
    try:
        return parse_duration(options.timeout)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}", hint='write "90s", "20m", "1h" or a number of seconds') from None


def audit_mode(options: argparse.Namespace, project: Project) -> AuditMode:
    """Return what is done about the platform tag: flags first, then ``[tool.maturin]``."""
    if options.skip_auditwheel or options.auditwheel == "skip":
        return "skip"
    if options.auditwheel is None and project.maturin.skips_audit:
        return "skip"
    word = options.auditwheel or project.maturin.auditwheel
    if word in {"check", "warn"}:
        return "check" if word == "check" else "warn"
    return "check" if options.editable else "repair"


def compression(options: argparse.Namespace) -> Compression:
    """Return how members of wheels are compressed.

    Raises:
        UsageError: The level is none of the method's, or this Python does not know the method.
    """
    return Compression(
        method=options.compression_method or "deflated",
        level=options.compression_level,
        large_files=options.compression_enable_large_file_support,
    )


def companions(options: argparse.Namespace, project: Project) -> frozenset[Companion]:
    """Return which files that the linker makes beside a module go into wheels; none into a tree of sources."""
    if options.editable:
        return frozenset()
    found: dict[Companion, bool] = {
        "debuginfo": options.include_debuginfo,
        "import-lib": project.maturin.include_import_lib,
    }
    return frozenset(kind for kind, wanted in found.items() if wanted)


def stubs(options: argparse.Namespace, project: Project) -> str:
    """Return the module that gets type stubs, or nothing when none are wanted.

    Raises:
        UsageError: The module will not describe itself.
    """
    if not options.generate_stubs:
        return ""
    bindings = project.bindings
    if bindings.kind != "pyo3":
        raise UsageError(f"--generate-stubs is for pyo3 modules, and this is {bindings.kind}")
    rows = (*project.options.include, *project.options.overrides)
    if INSPECT not in bindings.features and not any(row.features or row.all_features for row in rows):
        hint = f'write pyo3 = {{ features = ["{INSPECT}"] }} in Cargo.toml, or -F pyo3/{INSPECT}'
        raise UsageError(f"--generate-stubs needs pyo3's feature {INSPECT}, which is off", hint=hint)
    return project.module.name


def named_boms(options: argparse.Namespace, cwd: Path) -> list[str]:
    """Return the files of ``--sbom-include``: seen from where the user is, else from the project's root."""
    return [str(cwd / text) if (cwd / text).is_file() else text for text in options.sbom_include or ()]
