#!/usr/bin/env bash
# Makes a container image of Debian packages and prints its name: image.sh NAME [docker|podman]
#   bullseye       glibc 2.31 with gcc, g++ and make
#   manylinux      the same, with CPython 3.9 and 3.12 in /opt/python, laid out as in manylinux images
#   bookworm       glibc 2.36 with gcc and python3, its venv included
#   cross-aarch64  bookworm with gcc, and gcc-aarch64-linux-gnu as a cross compiler
#   arm64          bookworm for aarch64 with gcc, rustc and cargo, not configured: runs where binfmt_misc is registered
# The tree is kept as an archive in the cache, so that the second time is an import. Needs root, docker, mmdebstrap;
# for manylinux pyenv and patchelf.
. "$(dirname "$0")/common.sh"

name=${1:?which image: bullseye, bookworm, manylinux, cross-aarch64 or arm64}
case $name in # of the recipe: another one makes a new archive and a new tag
arm64) revision=3 ;;
*) revision=2 ;;
esac
engine=${2:-docker}
image=wheelmatrix-test/$name:$revision
archive=$cache/images/$name-$revision.tar
native=(--variant=apt --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*')

need "$engine"
"$engine" info >/dev/null || fail "$engine does not answer"
take_turn "image-$name"
if ! "$engine" image inspect "$image" >/dev/null 2>&1; then
    if [ ! -e "$archive" ]; then
        mkdir -p "${archive%/*}"
        tell "making $archive"
        case $name in
        bullseye) bootstrap "$archive" bullseye "${native[@]}" --include=g++,gcc,libc6-dev,make ;;
        bookworm) bootstrap "$archive" bookworm "${native[@]}" --include=gcc,libc6-dev,python3,python3-venv ;;
        manylinux)
            bootstrap "$archive" bullseye "${native[@]}" --include=g++,gcc,libc6-dev,make,python3 \
                --customize-hook="$here/opt-python.sh"
            ;;
        cross-aarch64)
            # the last two are what Debian's rustc, which is mounted, is linked with
            bootstrap "$archive" bookworm "${native[@]}" \
                --include=gcc,libc6-dev,make,gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,libedit2,libxml2
            ;;
        arm64)
            bootstrap "$archive" bookworm --variant=extract --architectures=arm64 \
                --include=gcc,libc6-dev,dash,coreutils,rustc-web,cargo-web
            ;;
        *) fail "no recipe for an image $name" ;;
        esac
    fi
    "$engine" import --change 'CMD ["/bin/sh"]' "$archive" "$image" >&2
fi
printf '%s\n' "$image"
