# shellcheck shell=bash
# What every provisioning script shares: where things are kept, whose turn it is, and where packages come from.
# WHEELMATRIX_TEST_CACHE chooses the folder; everything in it can be deleted at any time and is made again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${WHEELMATRIX_TEST_CACHE:-$HOME/.cache/wheelmatrix-cross}
mkdir -p "$cache"
cache=$(realpath "$cache")

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

tell() { printf '%s\n' "$*" >&2; }

need() { # TOOL...
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing"
    done
}

# Waits until no other run makes the same thing; the lock ends with this shell.
take_turn() { # NAME
    mkdir -p "$cache/locks"
    exec 9>"$cache/locks/$1"
    flock 9
}

# Prints the address of the archive that this machine's own packages come from.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1)
    [ -n "$found" ] || fail "apt has no source of packages"
    printf '%s' "${found%/}"
}

# Makes a tree of Debian packages as a tar archive: bootstrap FILE SUITE MMDEBSTRAP-OPTION...
bootstrap() {
    local file=$1 suite=$2
    shift 2
    need mmdebstrap
    TMPDIR=$cache/tmp mmdebstrap --quiet --mode=root "$@" "$suite" - "$(mirror)" >"$file.part.$$"
    mv "$file.part.$$" "$file"
}

mkdir -p "$cache/tmp"
