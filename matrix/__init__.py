"""wheelmatrix: builds, audits and collects every wheel of a Rust-backed Python project."""

__version__ = "0.1.0"
