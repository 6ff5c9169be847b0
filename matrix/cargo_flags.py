"""The flags that decide how cargo compiles, in cargo's own words."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from matrix.flag_values import boolean

if TYPE_CHECKING:
    from matrix.project import CargoFlags

__all__ = ["add_cargo", "cargo_flags"]

_CARGO = "how cargo compiles"
_FEATURES = "features"
_MANIFEST = "manifest and lock file"


def add_cargo(parser: argparse.ArgumentParser) -> None:
    """Add them to a command, in groups of their own."""
    cargo = parser.add_argument_group(_CARGO)
    add = cargo.add_argument
    add("-r", "--release", action="store_true", help="build with optimisations (profile release)")
    add("--profile", metavar="NAME", help="cargo profile to build with")
    add(
        "--strip",
        nargs="?",
        const=True,
        type=boolean,
        metavar="BOOL",
        help="strip symbols from the binary (env MATURIN_STRIP)",
    )
    add("--target-dir", metavar="DIR", help="cargo target directory; lanes, logs and wheels lie in it")
    add("--config", action="append", metavar="KEY=VALUE", help="override a cargo configuration value, repeatable")
    add("-Z", dest="unstable", action="append", metavar="FLAG", help="unstable flag of cargo, repeatable")
    add(
        "--timings",
        action="store_true",
        help="write timeline.html beside the report: which build held which slot when; and let each cargo write its "
        "own timing report into its lane",
    )
    add("--future-incompat-report", action="store_true", help="let cargo report what future Rust will refuse")
    add("--ignore-rust-version", action="store_true", help="ignore rust-version in packages")
    features = parser.add_argument_group(_FEATURES)
    features.add_argument(
        "-F",
        "--features",
        action="append",
        metavar="FEATURES",
        help="features to activate, separated by spaces or commas, repeatable",
    )
    features.add_argument("--all-features", action="store_true", help="activate every feature")
    features.add_argument("--no-default-features", action="store_true", help="do not activate the default feature")
    manifest = parser.add_argument_group(_MANIFEST)
    manifest.add_argument("-m", "--manifest-path", metavar="PATH", help="path to Cargo.toml")
    manifest.add_argument("--frozen", action="store_true", help="same as --locked and --offline")
    manifest.add_argument("--locked", action="store_true", help="fail when Cargo.lock would change")
    manifest.add_argument("--offline", action="store_true", help="run without the network")


def cargo_flags(options: argparse.Namespace) -> CargoFlags:
    """Return the flags that every call of cargo gets."""
    from matrix.project import CargoFlags  # noqa: PLC0415 - to tell of the flags needs no project

    return CargoFlags(
        manifest_path=Path(options.manifest_path) if options.manifest_path is not None else None,
        features=tuple(options.features or ()),
        all_features=options.all_features,
        no_default_features=options.no_default_features,
        frozen=options.frozen,
        locked=options.locked,
        offline=options.offline,
        config=tuple(options.config or ()),
        unstable=tuple(options.unstable or ()),
        ignore_rust_version=options.ignore_rust_version,
        target_dir=Path(options.target_dir) if options.target_dir is not None else None,
    )
