"""Reports, read back and checked: against their schema, and against the wheels they speak of."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from support.tools import TOP


@cache
def _schema() -> Any:
    return json.loads((TOP / "matrix" / "reporting" / "report.schema.json").read_text(encoding="utf-8"))


def read_report(path: Path) -> dict[str, Any]:
    """Read a report; it must follow its schema, add up, and tell the truth about every wheel it names."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(report, _schema())
    statuses = [cell["status"] for cell in report["cells"]]
    for status in ("built", "reused", "failed", "skipped", "cancelled"):
        assert report["summary"].get(status, 0) == statuses.count(status), status
    for cell in report["cells"]:
        wheel = cell.get("wheel")
        assert (wheel is not None) == (cell["status"] in {"built", "reused"}), cell
        if wheel is not None:
            data = (path.parent / wheel["file"]).read_bytes()
            assert (wheel["size"], wheel["sha256"]) == (len(data), hashlib.sha256(data).hexdigest()), wheel["file"]
    return report
