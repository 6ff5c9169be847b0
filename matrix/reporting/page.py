"""The timeline as one HTML file that needs nothing else: a bar for every build in its slot, a mark for every crate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from matrix.errors import ToolError, disk_hint
from matrix.files import PAGE, write_atomically
from matrix.reporting.document import BuildRecord, CrateSpan, Report, SlotSpan
from matrix.reporting.formats import count, duration, size

__all__ = ["render_page", "write_page"]

_ROOM = 1160  # pixels of a usual window, in which a short run fits
_NARROW = 34.0  # pixels that nearly every bar has at least, so that the start of its name can be read
_WIDEST = 300_000.0  # pixels of a whole chart; browsers draw no box much beyond
_MARKS = 120  # most times along the axis
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)  # seconds
# nothing is loaded, sent or framed, whatever stands in the names
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def write_page(report: Path, told: Report) -> None:
    """Write the page beside a report, whole or not at all.

    Args:
        report: Path of the report.
        told: What it says.

    Raises:
        ToolError: The file cannot be written.
    """
    path = report.with_name(PAGE)
    try:
        write_atomically(path, render_page(told).encode())
    except OSError as error:
        raise ToolError(
            f"{path}: the timeline cannot be written: {error.strerror or error}",
            hint=disk_hint(error) or "choose another place with --report",
        ) from error


def render_page(report: Report) -> str:
    """Return the page; every word of the report is escaped, and the report holds no secrets."""
    title = f"{report.project.name} {report.project.version}"
    end = max([report.summary.seconds, *(span.ended for span in report.timeline)], default=0.0) or 0.1
    scale = _scale(report.timeline, end)
    least = math.log(min(_ROOM / end, scale))
    records = {build.id: build for build in report.builds}
    rows = "\n".join(_slot(slot, report.timeline, records) for slot in range(_slots(report)))
    axis = "".join(f'<span style="--at:{_short(at)}">{duration(at)}</span>' for at in _times(end, scale))
    here = Path(__file__)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}: timeline</title>
<style>
{here.with_suffix(".css").read_text(encoding="utf-8")}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(_summary(report))}</p>
<form>
<label>zoom <input type="range" id="zoom" min="{least:.3f}" max="{math.log(_most(end, scale)):.3f}" step="0.01"
 value="{math.log(scale):.3f}"></label>
<label>find <input type="search" id="find" placeholder="cp312, aarch64, …"></label>
<span class="key"><span style="--mark:var(--ok)">built</span>\
<span style="--mark:var(--seed)">seed, shared by many</span>\
<span style="--mark:var(--bad)">failed</span><span style="--mark:var(--cut)">cancelled</span></span>
</form>
<div class="chart" style="--end:{_short(end)};--scale:{scale:.4f}"><div class="wide">
<div class="axis">{axis}</div>
{rows}
</div></div>
<output id="told">Point at a bar to read more.</output>
<table>
<thead><tr><th>build</th><th>start</th><th>end</th><th>took</th><th>compiled</th><th>fresh</th><th>peak memory</th>\
<th>lane on disk</th><th>ending</th></tr></thead>
<tbody>
{_lines(report.builds)}
</tbody>
</table>
<script>
{here.with_suffix(".js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def _summary(report: Report) -> str:
    summary = report.summary
    made = summary.built + summary.reused
    parts = [count(made, "wheel"), f"{summary.reused} unchanged" if summary.reused else ""]
    parts += [f"{summary.failed} failed" if summary.failed else "", duration(summary.seconds)]
    parts.append(count(report.jobs, "slot") if report.utilisation is None else "")
    if report.utilisation is not None:
        parts.append(f"{report.utilisation:.0%} of {count(report.jobs, 'slot')} used")
    parts += [f"started {report.started}", f"wheelmatrix {report.wheelmatrix}"]
    return " · ".join(part for part in parts if part)


def _slots(report: Report) -> int:
    return max([span.slot + 1 for span in report.timeline], default=0)


def _scale(spans: Iterable[SlotSpan], end: float) -> float:
    """Return pixels a second: the whole run in a window, or wider where most bars would be too narrow to read."""
    lengths = sorted(span.ended - span.started for span in spans)
    usual = lengths[len(lengths) // 10] if lengths else end
    wanted = _NARROW / usual if usual > 0 else 0.0
    return min(max(_ROOM / end, wanted), max(_WIDEST / end, _ROOM / end))


def _most(end: float, scale: float) -> float:
    return max(scale * 4, min(scale * 50, _WIDEST / end))


def _times(end: float, scale: float) -> Iterator[float]:
    """Yield the times along the axis, in seconds, about 90 pixels apart."""
    wanted = max(90 / scale, end / _MARKS)
    step = next((step for step in _STEPS if step >= wanted), wanted)
    for number in range(int(end / step) + 1):
        yield number * step


def _slot(slot: int, spans: Iterable[SlotSpan], records: dict[str, BuildRecord]) -> str:
    bars = "".join(_bar(span, records.get(span.build)) for span in spans if span.slot == slot)
    return f'<div class="slot"><b>slot {slot}</b><div class="bars">{bars}</div></div>'


def _bar(span: SlotSpan, record: BuildRecord | None) -> str:
    """Return a build as a bar; a seed has no record of its own."""
    kind = record.status if record is not None else "seed"
    told = [f"{span.build}: {kind}", f"{duration(span.started)} to {duration(span.ended)} in slot {span.slot}"]
    if record is not None:
        told.append(f"{record.crates.compiled} compiled, {record.crates.fresh} fresh, by {record.driver}")
        told += [f"peak memory {size(record.peak_memory)}"] if record.peak_memory else []
        told += [record.reason] if record.reason else []
    else:
        told.append(f"{count(len(span.crates), 'crate')} compiled once for the builds that share it")
    text = escape("\n".join(told))
    name = escape(span.build)
    marks = "".join(_mark(crate, span) for crate in span.crates)
    return (
        f'<div class="bar {kind}" tabindex="0" data-build="{name}" title="{text}"'
        f' style="--at:{_short(span.started)};--for:{_short(span.ended - span.started)}">{name}{marks}</div>'
    )


def _mark(crate: CrateSpan, span: SlotSpan) -> str:
    """Return a crate as a mark in its build's bar."""
    ended = crate.ended if crate.ended is not None else span.ended
    started = crate.started if crate.started is not None else ended
    told = escape(f"{crate.name}: {duration(started)} to {duration(ended)}\nin {span.build}")
    place = f"--at:{_short(started - span.started)};--for:{_short(ended - started)}"
    return f'<i title="{told}" style="{place}"></i>'


def _lines(builds: Iterable[BuildRecord]) -> str:
    """Return every build as a line of the table, those that never started too."""
    lines = []
    for build in builds:
        ran = build.started is not None and build.ended is not None
        cells = [
            build.id,
            duration(build.started) if build.started is not None else "",
            duration(build.ended) if build.ended is not None else "",
            duration(build.ended - build.started) if build.started is not None and build.ended is not None else "",
            str(build.crates.compiled) if ran else "",
            str(build.crates.fresh) if ran else "",
            size(build.peak_memory) if build.peak_memory else "",
            size(build.lane_size) if build.lane_size else "",
            f"{build.status}: {build.reason}" if build.reason else build.status,
        ]
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return "\n".join(lines)


def _short(seconds: float) -> str:
    return f"{max(seconds, 0.0):.3f}".rstrip("0").rstrip(".")
