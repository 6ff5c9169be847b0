#!/usr/bin/env bash
# Unpacks libraries of Debian for another processor, with all that they need, and prints the folder: sysroot.sh ARCH
# ARCH is Debian's word: arm64, armhf, ... It is what a cross build links, as packages of that processor would be below
# /usr/lib; nothing is installed on this machine. Needs root and mmdebstrap.
. "$(dirname "$0")/common.sh"
revision=1 # of what is in it

arch=${1:?which processor: arm64, armhf, ...}
sysroot=$cache/sysroots/$arch-$revision
take_turn "sysroot-$arch"
if [ ! -d "$sysroot" ]; then
    mkdir -p "${sysroot%/*}"
    tell "making $sysroot"
    bootstrap "$sysroot.tar" bookworm --variant=extract --architectures="$arch" --include=libpq5
    rm -rf "$sysroot.part"
    mkdir "$sysroot.part"
    tar -C "$sysroot.part" -xf "$sysroot.tar"
    rm -rf "$sysroot.tar" "$sysroot.part"/{dev,home,mnt,opt,proc,root,run,srv,sys,tmp}
    mv "$sysroot.part" "$sysroot"
fi
printf '%s\n' "$sysroot"
