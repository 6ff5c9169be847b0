#!/usr/bin/env bash
# Makes an unpacked Debian with Python 3.11 of another processor and prints its folder: root.sh ARCH
# ARCH is Debian's word: amd64, arm64, armhf, i386, ppc64el or s390x. Nothing in it is configured: it is for
# qemu-ARCH-static -L FOLDER FOLDER/usr/bin/python3.11. musl's loader lies beside glibc's. Needs root and mmdebstrap.
. "$(dirname "$0")/common.sh"
revision=1 # of what is in it

arch=${1:?which processor: amd64, arm64, armhf, i386, ppc64el or s390x}
root=$cache/roots/$arch-$revision
take_turn "root-$arch"
if [ ! -d "$root" ]; then
    mkdir -p "${root%/*}"
    tell "making $root"
    bootstrap "$root.tar" bookworm --variant=extract --architectures="$arch" \
        --include=python3-minimal,libpython3-stdlib,musl
    rm -rf "$root.part"
    mkdir "$root.part"
    tar -C "$root.part" -xf "$root.tar"
    # what exists here hides the host's file of the same name
    rm -rf "$root.tar" "$root.part"/{dev,home,mnt,opt,proc,root,run,srv,sys,tmp,var}
    # an absolute link would lead out of the folder
    find "$root.part" -type l -lname '/*' | while read -r link; do
        ln -sfn "$(realpath -m --relative-to="${link%/*}" "$root.part$(readlink "$link")")" "$link"
    done
    mv "$root.part" "$root"
fi
printf '%s\n' "$root"
