#!/usr/bin/env bash
# Fills a cache of cargo-xwin with a stand-in for Microsoft's C runtime and SDK, and prints its folder: for
# XWIN_CACHE_DIR, XWIN_ARCH=x86_64,aarch64,x86. cargo-xwin, clang-cl and lld-link are real and download nothing then. The
# import libraries are made from the definitions of mingw-w64 that ziglang carries, and the start object is a few lines
# of C: a DLL linked so has the right machine, imports and exports, and must never be shipped.
# Needs clang and llvm; ziglang in the python3 on PATH.
. "$(dirname "$0")/common.sh"
revision=1 # of what is in it
home=$cache/xwin-$revision
need clang llvm-dlltool llvm-lib python3
take_turn xwin
if [ -e "$home/xwin/DONE" ]; then
    printf '%s\n' "$home"
    exit 0
fi
rm -rf "$home"
definitions=$(python3 -c 'import ziglang, os; print(os.path.dirname(ziglang.__file__))')/lib/libc/mingw
[ -d "$definitions" ] || fail "ziglang has no $definitions"
work=$(mktemp -d -p "$cache/tmp")
trap 'rm -rf "$work"' EXIT

cat >"$work/start.c" <<'C'
#pragma comment(lib, "vcruntime")
#pragma comment(lib, "ucrt")
int _fltused = 0x9875;
unsigned _tls_index = 0;
#pragma section(".tls", long, read, write)
#pragma section(".tls$ZZZ", long, read, write)
__declspec(allocate(".tls")) char _tls_start = 0;
__declspec(allocate(".tls$ZZZ")) char _tls_end = 0;
#pragma section(".CRT$XLA", long, read)
#pragma section(".CRT$XLZ", long, read)
__declspec(allocate(".CRT$XLA")) void *__xl_a = 0;
__declspec(allocate(".CRT$XLZ")) void *__xl_z = 0;
const struct { void *start, *end, *index, *callbacks; unsigned zeros, flags; } _tls_used =
    { &_tls_start, &_tls_end, &_tls_index, (void **)&__xl_a + 1, 0, 0 };
int __stdcall _DllMainCRTStartup(void *module, unsigned long reason, void *reserved) { return 1; }
C
echo 'extern int main(int, char **); int mainCRTStartup(void) { return main(0, 0); }' >"$work/program.c"
echo 'extern int nothing;' >"$work/empty.c"
# What else objects ask for: the probe of big stack frames, the table of C++'s type_info; on x86 the place of the thread's
# variables in fs, and 64-bit division, which ntdll has too. @feat.00 says that it goes with /safeseh.
cat >"$work/rest-x86.s" <<'S'
.globl @feat.00
.set @feat.00, 1
.globl __chkstk
__chkstk:
 pop %ecx
 sub %eax, %esp
 jmp *%ecx
.data
.globl "??_7type_info@@6B@"
"??_7type_info@@6B@": .long 0
.globl __tls_array
.set __tls_array, 0x2c
.text
S
for name in alldiv allrem aulldiv aullrem; do
    printf '.globl __%s\n__%s:\n jmp "__%s@16"\n' $name $name $name >>"$work/rest-x86.s"
done
printf '.globl __chkstk\n__chkstk:\n ret\n.data\n.globl "??_7type_info@@6B@"\n"??_7type_info@@6B@": .quad 0\n' >"$work/rest.s"

import_library() { # DEFINITION FILE
    local source=$definitions/lib-common/$1.def
    [ "$arch" != x86 ] || [ ! -e "$definitions/lib32/$1.def" ] || source=$definitions/lib32/$1.def
    [ -e "$source" ] || source=$definitions/lib-common/$1.def.in
    clang -E -P -x c --target="$target" -D"$macro" -I"$definitions/def-include" "$source" 2>/dev/null >"$work/$1.def"
    [ "$arch-$1" != x86-ntdll ] || printf '%s\n' _{alldiv,allrem,aulldiv,aullrem}@16 >>"$work/$1.def"
    # only x86 decorates the names of its functions with the size of their arguments
    [ "$arch" = x86 ] || sed -E -i 's/@[0-9]+$//; s/@[0-9]+ / /' "$work/$1.def"
    llvm-dlltool -k -m "$machine" -d "$work/$1.def" -l "$2"
}

for arch in x86_64 aarch64 x86; do
    case $arch in
    x86_64) target=x86_64-pc-windows-msvc machine=i386:x86-64 macro=__x86_64__ rest=rest.s ;;
    aarch64) target=aarch64-pc-windows-msvc machine=arm64 macro=__aarch64__ rest=rest.s ;;
    x86) target=i686-pc-windows-msvc machine=i386 macro=__i386__ rest=rest-x86.s ;;
    esac
    crt=$home/xwin/crt/lib/$arch um=$home/xwin/sdk/lib/um/$arch ucrt=$home/xwin/sdk/lib/ucrt/$arch
    mkdir -p "$crt" "$um" "$ucrt"
    for library in advapi32 bcrypt crypt32 dbghelp iphlpapi kernel32 ntdll ole32 oleaut32 psapi secur32 shell32 user32 userenv ws2_32; do
        import_library $library "$um/$library.lib"
    done
    import_library vcruntime140 "$crt/vcruntime.lib"
    import_library ucrtbase "$ucrt/ucrt.lib"
    for object in start program empty; do clang --target=$target -c -O1 -o "$work/$object.obj" "$work/$object.c"; done
    clang --target=$target -c -o "$work/rest.obj" "$work/$rest"
    llvm-lib "/out:$crt/msvcrt.lib" "$work/start.obj" "$work/program.obj" "$work/rest.obj"
    llvm-lib "/out:$crt/oldnames.lib" "$work/empty.obj"
    llvm-lib "/out:$ucrt/legacy_stdio_definitions.lib" "$work/empty.obj"
done
mkdir -p "$home"/xwin/crt/include "$home"/xwin/sdk/include/{ucrt,um,shared,winrt}
printf 'x86_64 aarch64 x86\n' >"$home/xwin/DONE"
printf '%s\n' "$home"
