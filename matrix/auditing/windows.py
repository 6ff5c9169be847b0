"""The verdict on PE files: machine, and DLLs that neither Windows, nor Python, nor the wheel has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from matrix.auditing.natives import init_findings
from matrix.auditing.pe import Pe
from matrix.auditing.verdict import Analysis
from matrix.model import Finding, Verdict

__all__ = ["MACHINES", "analyse_windows", "is_there", "python_dll"]

MACHINES = {"win32": "32", "win_amd64": "amd64", "win_arm64": "arm64"}
"""What a PE file is built for, by platform tag."""

_API_SET = re.compile(r"(?:api|ext)-ms-[\w-]+\.dll")
_PYTHON = re.compile(r"python3(?P<minor>\d{1,2})?(?P<flags>t?(?:_d)?)\.dll|python27\.dll|libpypy3\.\d+-c\.dll")
_RUNTIME = frozenset({"vcruntime140.dll", "vcruntime140_1.dll", "ucrtbase.dll"})  # come with every Python since 3.5
_VISUAL_CPP = re.compile(r"(?:msvcp|concrt|vcomp|vccorlib|mfc)\d+[\w-]*\.dll|vcruntime\d+\w*\.dll")
_SYSTEM_NAMES = """
    aclui activeds advapi32 authz avicap32 avifil32 avrt bcrypt bcryptprimitives bluetoothapis cabinet cfgmgr32
    combase comctl32 comdlg32 credui crypt32 cryptbase cryptdll cryptnet cryptui d2d1 d3d10 d3d10_1 d3d11 d3d12 d3d9
    d3dcompiler_47 davhlpr dbgeng dbghelp dcomp ddraw dhcpcsvc dhcpcsvc6 dinput8 dnsapi dsound dsrole dwmapi dwrite
    dxgi dxva2 esent fltlib fwpuclnt gdi32 gdi32full gdiplus glu32 hid hlink httpapi icmp imagehlp imm32 iphlpapi
    kernel32 kernelbase ksuser ktmw32 loadperf lz32 magnification mf mfplat mfreadwrite mpr msacm32 mscms mscoree
    msctf mshtml msi msimg32 msvcp_win msvcrt msvfw32 mswsock ncrypt ndfapi netapi32 netutils newdev normaliz ntdll
    ntdsapi odbc32 odbccp32 ole32 oleacc oleaut32 oledlg opengl32 pdh powrprof profapi propsys psapi quartz query
    rasapi32 resutils rpcrt4 rstrtmgr rtutils samcli sas schannel secur32 security sensapi setupapi sfc shcore shell32
    shfolder shlwapi slc snmpapi srvcli sspicli t2embed tapi32 tbs tdh thumbcache urlmon user32 userenv usp10 uxtheme
    version virtdisk vssapi webauthn webservices websocket wer wevtapi wimgapi win32u winbio windowscodecs winhttp
    wininet winmm winscard winsta wintrust winusb wkscli wlanapi wldap32 wldp wmvcore wofutil ws2_32 wscapi wsock32
    wtsapi32 xaudio2_8 xaudio2_9 xinput1_4 xinput9_1_0 xmllite xolehlp
"""
_SYSTEM = frozenset(f"{name}.dll" for name in _SYSTEM_NAMES.split()) | {"bthprops.cpl", "winspool.drv"}
"""DLLs of every Windows 10 and later, as they lie in its system directory."""
_BRING = "link it statically, or let wheelmatrix repair bring it along"
_APART = "it is part of the Visual C++ runtime, which users install apart: link it statically, or bring it along"


def python_dll(library: str) -> re.Match[str] | None:
    """Match the DLL of a Python: ``python3.dll``, ``python312.dll``, ``python314t.dll``, ``libpypy3.11-c.dll``."""
    return _PYTHON.fullmatch(library.lower())


def analyse_windows(files: Iterable[Pe], platforms: Sequence[str], notes: Sequence[Finding] = ()) -> Analysis:
    """Judge the PE files of one wheel together. .NET code is not judged: any machine runs it.

    Programs of another machine are let pass: Windows runs 32-bit ones everywhere, and installers carry several.

    Args:
        files: Every one of them.
        platforms: Platform tags that the wheel has, or will have.
        notes: Findings made before, to be handed on first.
    """
    loaded = tuple(file for file in files if not file.managed)
    machines = [MACHINES[platform] for platform in platforms if platform in MACHINES]
    libraries = tuple(file for file in loaded if file.kind == "library")
    foreign = tuple(file for file in libraries if machines and file.arch not in machines)
    internal = frozenset(file.file.rpartition("/")[2].lower() for file in libraries)
    external = {file.file: [name for name in file.all_libraries if not is_there(name, internal)] for file in loaded}
    tag = _tag(libraries or loaded)
    verdict = Verdict(
        overall_tag=tag,
        sym_tag=tag,
        libraries=tuple(sorted({name for file in loaded for name in file.all_libraries})),
        external=tuple(sorted({name for names in external.values() for name in names})),
        findings=(
            *notes,
            *(_foreign(file, machines) for file in foreign),
            *(finding for file in loaded for finding in _libraries(file, external[file.file])),
            *init_findings(loaded),
        ),
    )
    arch = " and ".join(dict.fromkeys(machines))
    return Analysis(
        arch=arch, libc="", pes=loaded, internal=internal, foreign=foreign, notes=tuple(notes), verdict=verdict
    )


def _tag(files: Sequence[Pe]) -> str:
    tags = {machine: tag for tag, machine in MACHINES.items()}
    found = {tags.get(file.arch, "") for file in files}
    return found.pop() if len(found) == 1 else ""


def is_there(library: str, internal: frozenset[str]) -> bool:
    """Whether a DLL is Windows's, Python's or the wheel's; names of DLLs know no case."""
    name = library.lower()
    return (
        name in internal
        or name in _SYSTEM
        or name in _RUNTIME
        or bool(_API_SET.fullmatch(name))
        or bool(_PYTHON.fullmatch(name))
    )


def _foreign(file: Pe, machines: Sequence[str]) -> Finding:
    wanted = " and ".join("win32" if machine == "32" else f"win_{machine}" for machine in dict.fromkeys(machines))
    found = "win32" if file.arch == "32" else f"win_{file.arch}"
    return Finding(
        code="wrong-architecture",
        severity="error",
        file=file.file,
        message=f"is built for {found}, not for {wanted}",
    )


def _libraries(file: Pe, external: Sequence[str]) -> Iterator[Finding]:
    for name in external:
        yield Finding(
            code="external-library",
            severity="warning",
            file=file.file,
            message=f"needs {name}, which neither Windows nor Python nor the wheel has",
            hint=_APART if _VISUAL_CPP.fullmatch(name.lower()) else _BRING,
        )
    runtime = [name for name in file.all_libraries if name.lower() in _RUNTIME]
    if runtime:
        yield Finding(
            code="visual-c-runtime",
            severity="note",
            file=file.file,
            message=f"needs {', '.join(runtime)} of the Visual C++ runtime, which Python brings along",
        )
