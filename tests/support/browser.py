"""Pages in a real browser without a window."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from support.tools import need, run

_CONSOLE = re.compile(r":(?:INFO|WARNING|ERROR):CONSOLE[:(]")


@dataclass(frozen=True)
class Shown:
    """What a browser made of a page.

    Attributes:
        measured: What the probe found.
        console: Every message on its console.
    """

    measured: dict[str, Any]
    console: tuple[str, ...]


def show(page: Path, probe: str, scratch: Path, *, width: int = 1280, height: int = 800) -> Shown:
    """Open a page in Chromium, run a script at its end, and return what the script returns, as JSON can hold it.

    Args:
        page: The page; it is left as it is, a copy gets the probe.
        probe: Body of a JavaScript function.
        scratch: A directory for the copy and the browser's profile.
        width: Of the window, in pixels.
        height: The same.
    """
    chromium = need("chromium")
    copy = scratch / f"probed-{page.name}"
    script = f"document.body.dataset.probe = JSON.stringify((() => {{ {probe} }})());"
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8"
    )
    ran = run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--no-first-run"),
            *(
                f"--user-data-dir={scratch / 'profile'}",
                f"--window-size={width},{height}",
                "--host-rules=MAP * ~NOTFOUND",
            ),
            *("--dump-dom", copy.as_uri()),
        ],
        cwd=scratch,
        timeout=120,
    )
    assert ran.exit == 0, ran
    found = re.search(r'data-probe="([^"]*)"', ran.stdout)
    assert found is not None, ran
    said = tuple(line for line in ran.stderr.splitlines() if _CONSOLE.search(line))
    return Shown(json.loads(unescape(found[1])), said)
