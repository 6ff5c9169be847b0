# Runs a command in a container of wheelmatrix: enter.sh TOOLCHAIN RUST PYTHON TRIPLE NAMES PREFIXES COMMAND...
#   TOOLCHAIN  auto, host or image: whose Rust
#   RUST       where this machine's cargo and rustc are mounted, or -
#   PYTHON     folder in /opt/python, or -
#   TRIPLE     what is built for
#   NAMES      what compilers call that processor
#   PREFIXES   what names of cross compilers start with
fail() {
    echo "error: $1" >&2
    exit 1
}

toolchain=$1 rust=$2 python=$3 triple=$4 names=$5 prefixes=$6
shift 6

# the image's own Rust lies where its HOME and CARGO_HOME say, before these become ours
PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
[ -d "${RUSTUP_HOME:=${HOME:-/root}/.rustup}" ] && export RUSTUP_HOME
export PATH HOME=/wheelmatrix/home CARGO_HOME=/wheelmatrix/cargo

if [ "$toolchain" = image ] || { [ "$toolchain" = auto ] && command -v cargo >/dev/null; }; then
    command -v cargo >/dev/null || fail "no cargo in this image, and this machine's Rust is not mounted"
else
    PATH=$rust:$PATH
    said=$({ cargo -V && rustc -V; } 2>&1) || fail "this machine's Rust does not run in this image: $(echo "$said" | tail -n 1)"
fi

# a C compiler for the target: what the image says itself, its own one, or a cross compiler
if command -v cc >/dev/null; then own=cc; else own=gcc; fi
command -v $own >/dev/null || fail "no C compiler (cc, gcc) in this image"
machine=$($own -dumpmachine)
upper=$(echo "$triple" | tr 'a-z-' 'A-Z_') lower=$(echo "$triple" | tr - _)
eval "linker=\${CARGO_TARGET_${upper}_LINKER-}"
if [ -z "$linker" ] && [ -n "${TARGET_CC-}" ]; then
    export "CARGO_TARGET_${upper}_LINKER=$TARGET_CC"
elif [ -z "$linker" ]; then
    found=
    case " $names " in *" ${machine%%-*} "*) found=$own ;; esac
    for prefix in $prefixes; do
        if [ -z "$found" ] && command -v "$prefix-gcc" >/dev/null; then
            found=$prefix-gcc
            for tool in CC:gcc CXX:g++ AR:ar; do
                variable=${tool%%:*}_$lower
                eval "said=\${$variable-}"
                [ -n "$said" ] || ! command -v "$prefix-${tool#*:}" >/dev/null || export "$variable=$prefix-${tool#*:}"
            done
        fi
    done
    [ -n "$found" ] || fail "no C compiler for $triple in this image, only for $machine"
    [ "$found" = cc ] || export "CARGO_TARGET_${upper}_LINKER=$found"
fi

if [ -x "/opt/python/$python/bin/python" ]; then
    export PYO3_PYTHON="/opt/python/$python/bin/python" PYTHON_SYS_EXECUTABLE="/opt/python/$python/bin/python"
fi
# the jobserver is a FIFO here: its descriptors are not inherited
[ ! -p /wheelmatrix/jobserver ] || exec 8<>/wheelmatrix/jobserver
exec "$@"
