"""Draws the results of ``sweep.py`` as one picture: seconds of both sides, a bar each, on a logarithmic scale.

python benchmarks/plot.py benchmarks/results/rpds-py-2026.9.1.json ... > benchmarks/results/sweeps.svg
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

SIDES = {"maturin": "#9aa5b1", "wheelmatrix": "#2f7ed8"}
WIDTH, LEFT, BAR, GAP = 820, 320, 13, 12  # pixels
LEAST, MOST = 0.1, 1000.0  # seconds at the two ends of the scale


def main() -> int:
    """Write the picture to stdout."""
    results = [json.loads(Path(name).read_bytes()) for name in sys.argv[1:]]
    print(picture(results))
    return 0


def picture(results: Sequence[dict[str, Any]]) -> str:
    """Return an SVG document: a group for each project and sweep, with a bar for each side."""
    rows = [(label, sweep) for result in results for label, sweep in groups(result)]
    height = 46 + len(rows) * (len(SIDES) * BAR + GAP)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        *scale(height),
    ]
    for index, (label, sweep) in enumerate(rows):
        top = 40 + index * (len(SIDES) * BAR + GAP)
        ratio = f"{sweep['speedup']:.3g}x"
        parts.append(f'<text x="8" y="{top + BAR + 4}">{escape(label)}</text>')
        parts.append(f'<text x="{LEFT - 8}" y="{top + BAR + 4}" text-anchor="end" font-weight="bold">{ratio}</text>')
        for line, (side, color) in enumerate(SIDES.items()):
            seconds = float(sweep[side]["wall"])
            wide, y = place(seconds) - LEFT, top + line * BAR
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR - 1}" fill="{color}"/>')
            parts.append(f'<text x="{LEFT + wide + 4:.1f}" y="{y + BAR - 3}" fill="#555">{seconds:.3g} s</text>')
    return "\n".join([*parts, "</svg>"])


def groups(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each group of bars is called, and its figures."""
    count = len(result["interpreters"])
    pythons = "1 Python" if count == 1 else f"{count} Pythons"
    for name, sweep in result["sweeps"].items():
        yield f"{result['project'].replace('==', ' ')}, {pythons}, {name}", sweep


def scale(height: int) -> Iterator[str]:
    """Yield the names of the sides, and a line for each power of ten."""
    x = LEFT
    for side, color in SIDES.items():
        yield f'<rect x="{x}" y="8" width="10" height="10" fill="{color}"/>'
        yield f'<text x="{x + 14}" y="17">{side}</text>'
        x += 110
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        at = place(10.0**power)
        yield f'<line x1="{at:.1f}" x2="{at:.1f}" y1="34" y2="{height}" stroke="#ddd"/>'
        yield f'<text x="{at:.1f}" y="31" text-anchor="middle" fill="#888">{10.0**power:g} s</text>'


def place(seconds: float) -> float:
    """Return where on the scale so many seconds are, in pixels."""
    share = math.log10(max(seconds, LEAST) / LEAST) / math.log10(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - 60)


if __name__ == "__main__":
    sys.exit(main())
