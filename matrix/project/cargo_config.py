"""What cargo's configuration says: plan and cargo must mean the same (cargo reference, "Configuration").

``--config`` comes before the environment, which comes before the files: those of the directory and its parents, the
nearest first, then the one in cargo's home. Lists are joined over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import tomli

from matrix.errors import UsageError
from matrix.files import as_written
from matrix.project.program import cargo_home

__all__ = [
    "VARIABLE",
    "configured_linkers",
    "configured_offline",
    "configured_profiles",
    "configured_target",
    "names_target",
]

VARIABLE = "CARGO_BUILD_TARGET"
_KEY = "build.target"
_INSTEAD = "name targets in pyproject.toml: [tool.wheelmatrix] targets, or with --target"
_PROFILE, _INHERITS = "CARGO_PROFILE_", "_INHERITS"
_DEEPEST = 8  # includes within includes; a circle is cargo's to complain about


def configured_target(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return the target that cargo would build for by itself and where it is named; ``None`` for the host's.

    A file or flag that cannot be read or parsed names nothing here: cargo complains of it in its own words.

    Args:
        root: Where cargo is run.
        environ: The environment: ``CARGO_BUILD_TARGET``, ``CARGO_HOME``.
        flags: Values of ``--config``.

    Returns:
        The triple (or ``host-tuple``, cargo's word for the host's), and its origin for messages:
        ``.cargo/config.toml: build.target``.

    Raises:
        UsageError: The configuration names several targets, or one that is no triple.
    """
    variable = environ.get(VARIABLE, "").strip()
    written = [*_in_flags(root, flags), *([(variable, VARIABLE)] if variable else []), *_in_files(root, environ)]
    if not written:
        return None
    first, origin = written[0]
    joined = [word for value, _ in written if isinstance(value, list) for word in value]
    named = joined if isinstance(first, list) else [first]
    words = []
    for word in named:
        if not isinstance(word, str) or not word.strip():
            raise UsageError(f"{origin}: {word!r} is no target triple", hint=_INSTEAD)
        words.append(word.strip())
    words = list(dict.fromkeys(words))
    if not words:
        return None
    if len(words) > 1:
        raise UsageError(f"{origin} names several targets: {', '.join(words)}", hint=_INSTEAD)
    if words[0].endswith(".json"):
        raise UsageError(f"{words[0]!r} ({origin}): target specification files are not supported", hint=_INSTEAD)
    return words[0], origin


def names_target(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> bool:
    """Whether flags or files name a target, so that cargo builds for the host only when it is told to.

    Nothing takes back what they say: an empty list is joined to theirs, or clashes with a string. ``--target`` wins.
    """
    return any(True for _ in _in_flags(root, flags)) or any(True for _ in _in_files(root, environ))


def configured_linkers(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> frozenset[str]:
    """Return the targets for which the configuration names a linker (``target.TRIPLE.linker``).

    Args:
        root: Where cargo is run.
        environ: The environment: ``CARGO_TARGET_TRIPLE_LINKER``, ``CARGO_HOME``.
        flags: Values of ``--config``.
    """
    found = set()
    for table, _ in (*_flag_tables(root, flags), *_file_tables(root, environ)):
        targets = table.get("target")
        for triple, settings in targets.items() if isinstance(targets, dict) else ():
            if isinstance(settings, dict) and settings.get("linker"):
                found.add(triple)
    for name, value in environ.items():
        if name.startswith("CARGO_TARGET_") and name.endswith("_LINKER") and value:
            found.add(name.removeprefix("CARGO_TARGET_").removesuffix("_LINKER").lower().replace("_", "-"))
    return frozenset(found | {triple.replace("x86-64", "x86_64") for triple in found})


def configured_profiles(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> frozenset[str]:
    """Return the profiles that the configuration has settings of (``profile.NAME.KEY``).

    Of variables only ``CARGO_PROFILE_NAME_INHERITS`` counts, which alone can make a profile; its name is given in
    lower case with ``-``, though cargo takes ``_`` and capitals for the same.

    Args:
        root: Where cargo is run.
        environ: The environment: ``CARGO_PROFILE_NAME_INHERITS``, ``CARGO_HOME``.
        flags: Values of ``--config``.
    """
    found: set[str] = set()
    for table, _ in (*_flag_tables(root, flags), *_file_tables(root, environ)):
        profiles = table.get("profile")
        found.update(profiles if isinstance(profiles, dict) else ())
    for name in environ:
        if name.startswith(_PROFILE) and name.endswith(_INHERITS):
            found.add(name.removeprefix(_PROFILE).removesuffix(_INHERITS).lower().replace("_", "-"))
    return frozenset(found)


def configured_offline(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> bool:
    """Whether the configuration forbids cargo the network (``net.offline``).

    Args:
        root: Where cargo is run.
        environ: The environment: ``CARGO_NET_OFFLINE``, ``CARGO_HOME``.
        flags: Values of ``--config``.
    """
    said = [_net_offline(table) for table, _ in _flag_tables(root, flags)]
    said += [{"true": True, "false": False}.get(environ.get("CARGO_NET_OFFLINE", "").strip())]
    said += [_net_offline(table) for table, _ in _file_tables(root, environ)]
    return next((value for value in said if value is not None), False)


def _net_offline(table: Mapping[str, object]) -> bool | None:
    net = table.get("net")
    value = net.get("offline") if isinstance(net, dict) else None
    return value if isinstance(value, bool) else None


def _in_flags(root: Path, flags: Sequence[str]) -> Iterator[tuple[object, str]]:
    """Yield what ``--config`` values name, the last one first."""
    for table, origin in _flag_tables(root, flags):
        yield from _in_table(table, f"{origin} {_KEY}" if origin == "--config" else _key_in(origin))


def _in_files(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[object, str]]:
    """Yield what configuration files name, the nearest first."""
    for table, origin in _file_tables(root, environ):
        yield from _in_table(table, _key_in(origin))


def _key_in(origin: str) -> str:
    """Name the key after the file that cargo reads first: ``config.toml: build.target in included.toml``."""
    first, within, included = origin.partition(" in ")
    return f"{first}: {_KEY}{within}{included}"


def _flag_tables(root: Path, flags: Sequence[str]) -> Iterator[tuple[Mapping[str, object], str]]:
    """Yield the tables of ``--config`` values, the last one first: each is a file or one setting."""
    for flag in reversed(flags):
        if (root / flag).is_file():
            yield from _tables(root / flag, f"--config {flag}")
        else:
            yield _parsed(flag), "--config"


def _file_tables(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Mapping[str, object], str]]:
    """Yield the tables of configuration files, the nearest first."""
    home = root / cargo_home(environ)
    for folder in dict.fromkeys([*(one / ".cargo" for one in (root, *root.parents)), home]):
        for file in (folder / "config", folder / "config.toml"):  # of both, cargo reads the one without a suffix
            if file.is_file():
                yield from _tables(file, as_written(file, root))
                break


def _tables(file: Path, origin: str, depth: int = 0) -> Iterator[tuple[Mapping[str, object], str]]:
    """Yield the table of a file, then those of the files that it includes, the last one first."""
    try:
        table = _parsed(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return
    yield table, origin
    includes = table.get("include")
    for entry in reversed(includes) if isinstance(includes, list) and depth < _DEEPEST else ():
        path = entry.get("path") if isinstance(entry, dict) else entry
        if isinstance(path, str):
            yield from _tables(file.parent / path, f"{origin} in {path}", depth + 1)


def _in_table(table: Mapping[str, object], origin: str) -> Iterator[tuple[object, str]]:
    build = table.get("build")
    value = build.get("target") if isinstance(build, dict) else None
    if value is not None:
        yield value, origin


def _parsed(text: str) -> Mapping[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError:
        return {}
