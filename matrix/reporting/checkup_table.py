"""What the doctor found as people see it: a line for each driver, for Rust's libraries and for Pythons."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.checkup import CheckedDriver, CheckedTool, Checkup, Remark
from matrix.reporting.closing import hint_lines
from matrix.reporting.formats import count, listing
from matrix.reporting.text import UNICODE, Line, Span, Symbols, clean_line, line, paint

__all__ = ["render_checkup"]

_STDS, _PYTHON, _REPAIR, _HEADER = "std", "python", "patchelf", "cbindgen"
_HERE = {True: "is here", False: "is not here yet"}
_MOST = 8  # names in a line


def render_checkup(checkup: Checkup, *, symbols: Symbols = UNICODE, color: bool = False) -> str:
    """Return it as a table, ending in a line feed.

    Args:
        checkup: What was found.
        symbols: What the stream can write.
        color: Whether to colour.
    """
    more = ((_REPAIR, checkup.repair), (_HEADER, checkup.header))
    width = max(
        len(name)
        for name in (
            _STDS,
            _PYTHON,
            *(name for name, tool in more if tool is not None),
            *(driver.name for driver in checkup.drivers),
        )
    )
    lines: list[Line] = [_head(checkup, symbols), ()]
    for driver in checkup.drivers:
        lines += _driver(driver, symbols, width, known=checkup.project is not None)
    lines += [*_repair(checkup.repair, symbols, width)] if checkup.repair is not None else []
    lines += [_header(checkup.header, symbols, width)] if checkup.header is not None else []
    lines += [*_standards(checkup, symbols, width), *_pythons(checkup, symbols, width)]
    for problem in checkup.problems:
        lines += _remark(problem, symbols, "  ")
    lines += [(), *_advice(checkup)]
    return "".join(f"{paint(one, color=color)}\n" for one in lines)


def _head(checkup: Checkup, symbols: Symbols) -> Line:
    project = checkup.project
    if project is None:
        return line(Span("no project", "bold"), f" {symbols.dot} {checkup.host} alone")
    lost = project.cells - project.buildable
    parts = [project.bindings, count(project.cells, "cell")]
    parts += [f"{lost} cannot be built here"] if lost else []
    name = Span(clean_line(f"{project.name} {project.version}"), "bold")
    return line(name, *(f" {symbols.dot} {clean_line(part)}" for part in parts if part))


def _driver(driver: CheckedDriver, symbols: Symbols, width: int, *, known: bool) -> Iterator[Line]:
    here = [_found(tool) for tool in driver.tools if tool.path is not None]
    gone = [tool for tool in driver.tools if tool.path is None and tool.needed]
    if not driver.needed:
        words = "not needed by this matrix" if known else ", ".join(here) or _wanting(driver)
        yield _row(driver.name, Span(symbols.skipped, "dim"), width, Span(clean_line(words), "dim"))
        return
    sign = Span(symbols.ok, "good") if driver.ready else Span(symbols.failed, "bad")
    names = listing((tool.name for tool in gone), most=_MOST)
    missing = f"missing: {names}" if gone else ""
    parts = [*([missing] if gone else []), ("here: " if gone and here else "") + ", ".join(here)]
    yield _row(driver.name, sign, width, clean_line("; ".join(filter(None, parts))))
    for command in dict.fromkeys(tool.install for tool in gone):
        yield _command(command, width)
    for image in driver.images:
        yield line(" " * (width + 6), Span(clean_line(f"image {image.name} {_HERE[image.here]}"), "dim"))
    for remark in driver.remarks:
        yield from _remark(remark, symbols, " " * (width + 6))


def _wanting(driver: CheckedDriver) -> str:
    commands = "; ".join(dict.fromkeys(tool.install for tool in driver.tools))
    return f"not installed ({commands})"


def _found(tool: CheckedTool) -> str:
    return f"{tool.name} {tool.version}" if tool.version else tool.name


def _repair(tool: CheckedTool, symbols: Symbols, width: int) -> Iterator[Line]:
    if tool.path is not None:
        yield _row(_REPAIR, Span(symbols.ok, "good"), width, clean_line(_found(tool)))
        return
    state = f"{_found(tool)} is too old" if tool.version else "missing"
    if not tool.needed:
        words = f"not known to be needed by this matrix ({state}: {tool.install})"
        yield _row(_REPAIR, Span(symbols.skipped, "dim"), width, Span(clean_line(words), "dim"))
        return
    yield _row(
        _REPAIR, Span(symbols.failed, "bad"), width, clean_line(f"{state}; wheels bring libraries along with it")
    )
    yield _command(tool.install, width)


def _header(tool: CheckedTool, symbols: Symbols, width: int) -> Line:
    if tool.path is not None:
        return _row(_HEADER, Span(symbols.ok, "good"), width, clean_line(_found(tool)))
    words = f"none; the first build that needs it compiles one ({tool.install})"
    return _row(_HEADER, Span(symbols.skipped, "dim"), width, Span(clean_line(words), "dim"))


def _standards(checkup: Checkup, symbols: Symbols, width: int) -> Iterator[Line]:
    stds = checkup.stds
    if stds.missing:
        words = f"missing: {listing(stds.missing, most=_MOST)}"
        words += f"; here: {listing(stds.found, most=_MOST)}" if stds.found else ""
        yield _row(_STDS, Span(symbols.failed, "bad"), width, words)
        if stds.install:
            yield _command(stds.install, width)
    elif stds.found:
        yield _row(_STDS, Span(symbols.ok, "good"), width, listing(stds.found, most=_MOST))


def _pythons(checkup: Checkup, symbols: Symbols, width: int) -> Iterator[Line]:
    found, tables = checkup.pythons.found, checkup.pythons.tables
    parts = [f"found {' '.join(found)}"] if found else []
    parts += [f"for {', '.join(tables)} built-in tables are used"] if tables else []
    if parts:
        yield _row(_PYTHON, Span(symbols.ok, "good"), width, clean_line("; ".join(parts)))


def _advice(checkup: Checkup) -> Iterator[Line]:
    if checkup.ready:
        what = (
            "the whole matrix can be built here" if checkup.project is not None else "Rust projects can be built here"
        )
        yield line(Span(what, "good"))
    elif checkup.commands:
        yield line(
            Span("something is missing", "bad"), ": wheelmatrix doctor --install runs these commands when told yes"
        )
    else:
        yield line(Span("something is missing", "bad"))


def _row(name: str, sign: Span, width: int, words: str | Span) -> Line:
    return line("  ", Span(f"{name:<{width}}", "bold"), "  ", sign, " ", words)


def _command(text: str, width: int) -> Line:
    return line(" " * (width + 6), Span(clean_line(text), "accent"))


def _remark(remark: Remark, symbols: Symbols, indent: str) -> list[Line]:
    head = line(indent, Span(symbols.failed, "bad"), f" {clean_line(remark.text)}")
    return [head, *hint_lines(remark.hint, indent=f"{indent}  ")]
