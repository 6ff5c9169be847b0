#!/usr/bin/env bash
# Makes a program of the crates registry, without optimisation, and prints the folder that has it: cargo-tools.sh CRATE VERSION
# Half a minute to two minutes on 2 cores. Needs cargo and the crates registry.
. "$(dirname "$0")/common.sh"
[ "$#" = 2 ] || fail "which crate, and which version?"
need cargo
unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_TARGET_DIR
folder=$cache/cargo-tools/$1-$2
take_turn cargo-tools
if [ ! -e "$folder/DONE" ]; then
    tell "compiling $1 $2"
    CARGO_TARGET_DIR=$cache/tmp/$1 cargo install --quiet --debug --locked --jobs 2 --root "$folder" --version "$2" "$1" >&2
    rm -rf "${cache:?}/tmp/$1"
    touch "$folder/DONE"
fi
printf '%s\n' "$folder/bin"
