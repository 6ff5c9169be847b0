#!/usr/bin/env bash
# Prints the folder of an llvm-profdata of rustc's own LLVM: Debian's, unpacked and not installed. 50 MB, some seconds.
# Needs rustc and apt-get.
. "$(dirname "$0")/common.sh"
need rustc apt-get dpkg
major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
folder=$cache/profdata-$major
take_turn profdata
if [ ! -e "$folder/bin/llvm-profdata" ]; then
    tell "unpacking llvm-profdata of LLVM $major"
    rm -rf "$folder.part" "$folder"
    mkdir -p "$folder.part/bin"
    (cd "$folder.part" && apt-get -qq download "llvm-$major" "libllvm$major") >&2 2>/dev/null ||
        fail "apt has no llvm-$major"
    for package in "$folder.part"/*.deb; do
        dpkg -x "$package" "$folder.part"
        rm "$package"
    done
    cat >"$folder.part/bin/llvm-profdata" <<EOF
#!/bin/sh
LD_LIBRARY_PATH=$folder/usr/lib/llvm-$major/lib:$folder/usr/lib/$(uname -m)-linux-gnu \\
    exec $folder/usr/lib/llvm-$major/bin/llvm-profdata "\$@"
EOF
    chmod +x "$folder.part/bin/llvm-profdata"
    mv "$folder.part" "$folder"
fi
printf '%s\n' "$folder/bin"
