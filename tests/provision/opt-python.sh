#!/usr/bin/env bash
# Lays interpreters into /opt/python of an image as manylinux has them: opt-python.sh ROOT
# CPython 3.9 is the image's own. 3.12 is pyenv's, which is linked with this machine's libraries: it brings them along.
. "$(dirname "$0")/common.sh"
root=${1:?the root of the image}
need patchelf

own=$root/opt/python/cp39-cp39/bin
mkdir -p "$own"
ln -s /usr/bin/python3.9 "$own/python3.9"
ln -s python3.9 "$own/python3"
ln -s python3.9 "$own/python"

pyenv=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -maxdepth 1 -name '3.12.*' | grep -E '\.[0-9]+$' | sort -V | tail -n 1)
[ -n "$pyenv" ] || fail "pyenv has no Python 3.12"
place=/opt/python/cp312-cp312
mkdir -p "$root$place/system"
tar -C "$pyenv" --exclude=test --exclude=__pycache__ --exclude='*.a' --exclude=share -cf - . | tar -C "$root$place" -xf -
ldd "$pyenv/bin/python3.12" "$pyenv"/lib/python3.12/lib-dynload/*.so | grep -oE '[[:space:]]/(usr/)?lib[^ ]+' | sort -u |
    while read -r library; do cp -L "$library" "$root$place/system/"; done
# DT_RPATH, not DT_RUNPATH: it serves the libraries of libraries too
cd "$root$place"
patchelf --force-rpath --set-rpath "$place/lib:$place/system" \
    bin/python3.12 lib/libpython3.12.so.1.0 lib/python3.12/lib-dynload/*.so
patchelf --set-interpreter "$place/system/ld-linux-x86-64.so.2" bin/python3.12
