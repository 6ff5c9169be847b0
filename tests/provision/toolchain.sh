#!/usr/bin/env bash
# Makes sure of Rust's std for targets and prints the rustup toolchain that has them: toolchain.sh TRIPLE...
# With WHEELMATRIX_TEST_RUSTUP=yes, or when nothing is missing, that is the active one. Else it is `cross`, made here:
# rustc and the std's of the gnu targets are Debian's rustc-web packages, unpacked and not installed; the other std's are
# compiled once from rust-web-src and laid into the sysroot, so that builds are ordinary ones. About 5 minutes on 2 cores,
# 1.5 GB in the cache.
# Needs apt, rustup with a toolchain, the crates registry; llvm-objcopy to strip for macOS.
. "$(dirname "$0")/common.sh"
[ "$#" -gt 0 ] || fail "which targets?"
need rustup cargo apt-get dpkg
unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_TARGET_DIR
take_turn toolchain

# 1. rustup's own std's
active=$(rustup show active-toolchain | cut -d ' ' -f 1)
installed=$(rustup target list --installed --toolchain "$active" 2>/dev/null || true)
missing=()
for target in "$@"; do grep -qx "$target" <<<"$installed" || missing+=("$target"); done
if [ "${#missing[@]}" = 0 ] || { [ "${WHEELMATRIX_TEST_RUSTUP:-}" = yes ] && { timeout 60 rustup -q target add --toolchain "$active" "${missing[0]}" >&2 &&
        timeout 900 rustup -q target add --toolchain "$active" "${missing[@]}" >&2; }; }; then
    printf '%s\n' "$active"
    exit 0
fi

# 2. rustc and what Debian has std's for, through an apt state of our own
sysroot=$cache/tree/usr
rustlib=$sysroot/lib/rustlib
unpack_packages() {
    local apt=$cache/apt architectures='"amd64";' arch packages
    for arch in arm64 armhf i386 ppc64el s390x; do architectures+="\"$arch\";"; done
    rm -rf "$apt" "$cache/tree" "$cache/toolchain"
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,deb}
    touch "$apt/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm main\n' "$(mirror)" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::State::lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "-";
APT::Architecture "amd64"; APT::Architectures {$architectures}; APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$apt/apt.conf
    apt-get -qq update
    # rustc, the libraries it is linked with, the std of every architecture
    mapfile -t packages < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances rustc-web | grep -E '^(rustc-web|libstd-rust-web-.*|libllvm[0-9]+|libz3-4)$' | sort -u)
    for arch in arm64 armhf i386 ppc64el s390x; do packages+=("libstd-rust-web-dev:$arch"); done
    (cd "$apt/deb" && apt-get -qq download "${packages[@]}" rust-web-src)
    unset APT_CONFIG
    for arch in "$apt"/deb/*.deb; do dpkg -x "$arch" "$cache/tree"; done
    rm -rf "$apt"
}

# A directory that rustup can link: Debian's rustc with its libraries, the active cargo.
lay_out_toolchain() {
    mkdir -p "$cache/toolchain"/{bin,lib} "$rustlib/x86_64-unknown-linux-gnu/bin"
    cat >"$cache/toolchain/bin/rustc" <<RUSTC
#!/bin/sh
LD_LIBRARY_PATH=$sysroot/lib/x86_64-linux-gnu:$sysroot/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec $sysroot/bin/rustc "\$@"
RUSTC
    chmod +x "$cache/toolchain/bin/rustc"
    ln -sf "$(rustup which --toolchain "$active" cargo)" "$cache/toolchain/bin/cargo"
    # rustc looks for rust-objcopy here
    ln -sf "$(command -v llvm-objcopy || fail "llvm-objcopy is missing")" "$rustlib/x86_64-unknown-linux-gnu/bin/rust-objcopy"
}

if [ ! -e "$cache/DONE" ]; then
    tell "unpacking Debian's rustc into $cache"
    unpack_packages
    lay_out_toolchain
    touch "$cache/DONE"
fi
[ "$(readlink "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/cross" 2>/dev/null)" = "$cache/toolchain" ] ||
    rustup -q toolchain link cross "$cache/toolchain" >&2

# 3. the std's that Debian does not carry, all in one go
build_std() { # TRIPLE...
    local work=$cache/std flags=() target object
    rm -rf "$work"
    mkdir -p "$work/src"
    echo '#![no_std]' >"$work/src/lib.rs"
    printf '[package]\nname = "std-builder"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
    for target in "$@"; do flags+=(--target "$target"); done
    (cd "$work" && RUSTUP_TOOLCHAIN=cross RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=-Cembed-bitcode=yes \
        cargo build --quiet --release -Zbuild-std=std,panic_abort,panic_unwind,proc_macro "${flags[@]}" >&2)
    for target in "$@"; do
        rm -rf "$rustlib/$target.part"
        mkdir -p "$rustlib/$target.part/lib"
        cp "$work/target/$target/release/deps/"*.rlib "$rustlib/$target.part/lib/"
        rm -f "$rustlib/$target.part/lib/"libstd_builder*
        if [[ $target == *-windows-gnu ]]; then
            for object in rsbegin rsend; do # how a GNU link for Windows starts and ends
                RUSTUP_TOOLCHAIN=cross RUSTC_BOOTSTRAP=1 rustc --target "$target" --emit=obj \
                    -o "$rustlib/$target.part/lib/$object.o" "$(echo "$sysroot"/src/rustc-*/library/rtstartup/$object.rs)"
            done
        fi
        mv "$rustlib/$target.part" "$rustlib/$target"
    done
    rm -rf "$work"
}

missing=()
for target in "$@"; do [ -d "$rustlib/$target/lib" ] || missing+=("$target"); done
if [ "${#missing[@]}" -gt 0 ]; then
    tell "compiling std for ${missing[*]}"
    build_std "${missing[@]}"
fi
printf 'cross\n'
