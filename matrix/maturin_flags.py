"""The flags of ``maturin build``, of its guide for 0.13 and of the 1.16 program, and how ours compare."""

from __future__ import annotations

__all__ = ["FLAGS", "RUSTC_ARGS"]

RUSTC_ARGS = "-- ARGS"
"""What stands after ``--``, in place of a flag's name."""

FLAGS: dict[str, str] = {
    "--release": "",
    "--profile": "",
    "--strip": "",
    "--sdist": "more: the archive's path is the first line on stdout, lanes of its own are kept between runs",
    "--pgo": "more: lanes and a profile of its own for each Python, kept until something changes; release unless said",
    "--interpreter": 'more: specifiers (`">=3.10"`), free-threaded builds (`3.13t`), several flags',
    "--find-interpreter": "",
    "--bindings": "more: `rust-cpython` too, as in 0.13",
    "--compatibility": "more: several levels make one wheel each",
    "--manylinux": "",
    "--auditwheel": "",
    "--skip-auditwheel": "",
    "--zig": "more: macOS, musl and windows-gnu are linked with it too",
    "--universal2": "more: beside other targets, as `--target universal2-apple-darwin`",
    "--out": "",
    "--include-debuginfo": "more: on Linux too cargo packs it; the `.dwp` has the module's name, as debuggers expect",
    "--sbom-include": "",
    "--generate-stubs": "more: without the feature it is an error before anything compiles",
    "--compression-method": "same; `zstd` on Python 3.14 and later alone",
    "--compression-level": "more: one that the method has not is an error before anything compiles",
    "--compression-enable-large-file-support": "",
    "--jobs": "more: N compilers over all builds of the run together",
    "--target": "more: several, built side by side",
    "--target-dir": "",
    "--timings": "",
    "--features": "",
    "--all-features": "",
    "--no-default-features": "",
    "--manifest-path": "",
    "--frozen": "",
    "--locked": "",
    "--offline": "",
    "--config": "",
    "-Z": "",
    "--ignore-rust-version": "",
    "--future-incompat-report": "",
    "--quiet": "more: cargo's lines are shown with `-v` alone",
    "--verbose": "",
    "--color": "",
    RUSTC_ARGS: "",
}
"""Flag by flag: empty where ours does the same, else ``more: …`` or ``not yet: …`` with the reason."""
