"""What is told as it happens, on a board and in plain lines alike: notes, diagnostics, cargo's own lines."""

from __future__ import annotations

import re
import shlex

from matrix.events import BuildStarted, CellEnded, Diagnostic, Event, Note, RunStarted
from matrix.events import Line as OutputLine
from matrix.masking import mask_argv, mask_assignments
from matrix.model import Verdict
from matrix.reporting.closing import failure_block, hint_lines, left_out_lines, lost
from matrix.reporting.formats import count, listing
from matrix.reporting.text import Line, Span, Symbols, clean, clean_line, line, strip

__all__ = ["Spoken", "note_lines"]


class Spoken:
    """Turns events into lines, each diagnostic once: the same one from another build is only counted.

    Args:
        symbols: What the stream can write.
        color: Keep the compiler's colours.
        verbose: From 1 on cargo's own lines too, from 2 on the commands.
        quiet: Only errors.
    """

    def __init__(self, symbols: Symbols, *, color: bool, verbose: int = 0, quiet: bool = False) -> None:
        self._symbols = symbols
        self._color = color
        self._verbose = verbose
        self._quiet = quiet
        self._notes: set[tuple[str, str | None]] = set()
        self._diagnostics: dict[tuple[str, str], list[str]] = {}
        self._shown_at: dict[str, int] = {}
        self._heights: dict[str, int] = {}
        self._length = 0

    def hear(self, event: Event) -> list[Line]:
        """Return what an event gives people to read, often nothing."""
        lines = self._hear(event)
        self._length += len(lines)
        return lines

    def _hear(self, event: Event) -> list[Line]:  # noqa: PLR0911 - one answer for each kind of event
        match event:
            case Diagnostic() if event.level != "failure-note":
                return self._diagnostic(event)
            case OutputLine() if self._verbose > 0 and not self._quiet:
                text = clean(mask_assignments(event.text), colors=self._color)
                return [line(_prefix(event.build), Span(part, "ansi")) for part in text.splitlines()]
            case BuildStarted() if self._verbose > 1 and not self._quiet:
                words = clean_line(" ".join(map(shlex.quote, mask_argv(event.argv))))
                return [line(_prefix(event.build), Span(f"$ {words}", "dim"))]
            case CellEnded() if event.status == "built" and event.verdict is not None:
                return self._findings(event, event.verdict)
            case Note() if not self._quiet:
                return self._note(event)
            case RunStarted():
                return self._begin(event)
            case _:
                return []

    def _begin(self, event: RunStarted) -> list[Line]:
        """Tell what the plan warns of and leaves out, and, even when quiet, what cannot be built here."""
        blocks = [failure_block(one, self._symbols, color=self._color) for one in lost(event.plan.left_out)]
        failed = [one for block in blocks for one in block]
        if self._quiet:
            return failed
        lines = [one for text in event.plan.warnings for one in self._note(Note(level="warning", text=text))]
        triples = [cell.target.triple for cell in event.plan.cells]
        return [*lines, *left_out_lines(event.plan.left_out, triples, self._symbols), *failed]

    def told(self, build: str, details: str, *, within: int | None = None) -> bool:
        """Whether all that ``details`` says was shown already as diagnostics of ``build``.

        Args:
            build: Id of the build.
            details: What a tool said.
            within: How many other lines may have followed; ``None`` for any number.
        """
        said = {part.strip() for part in strip(details).splitlines() if not _CUT.fullmatch(part)} - {""}
        texts = [text for (_, text), builds in self._diagnostics.items() if build in builds and text in self._shown_at]
        same = [text for text in texts if _first(text).strip() in said]
        if not said or not said <= {part.strip() for text in same for part in text.splitlines()}:
            return False
        first = min(self._shown_at[text] for text in same)
        others = self._length - first - sum(self._heights[text] for text in same)
        return within is None or others <= within

    def repeated(self) -> list[Line]:
        """Return the warnings that several builds gave, one line each; nothing when quiet."""
        if self._quiet:
            return []
        lines = []
        for (level, text), builds in self._diagnostics.items():
            if len(builds) > 1 and not level.startswith("error"):
                names = listing(builds, most=3)
                lines.append(line(f"{clean_line(_first(text))} {self._symbols.dot} in {len(builds)} builds: {names}"))
        if len(lines) > _MOST:
            lines[_MOST:] = [line(f"{self._symbols.ellipsis} and {count(len(lines) - _MOST, 'more warning')}")]
        return lines

    def _diagnostic(self, event: Diagnostic) -> list[Line]:
        failing = event.level.startswith("error")
        if self._quiet and not failing:
            return []
        text = clean(event.rendered, colors=self._color).strip("\n")
        key = (event.level, strip(event.rendered).strip())
        builds = self._diagnostics.setdefault(key, [])
        if builds:
            if event.build not in builds:
                builds.append(event.build)
            return []
        builds.append(event.build)
        self._shown_at[key[1]] = self._length
        parts = text.split("\n")
        self._heights[key[1]] = len(parts)
        return [line(_prefix(event.build), Span(parts[0], "ansi")), *(line(Span(part, "ansi")) for part in parts[1:])]

    def _findings(self, event: CellEnded, verdict: Verdict) -> list[Line]:
        """Tell what the audit objects to in a wheel that was made all the same; the same of another is only counted."""
        lines: list[Line] = []
        told = 0
        for finding in verdict.findings:
            if finding.severity == "note" or (self._quiet and finding.severity != "error"):
                continue
            builds = self._diagnostics.setdefault((finding.severity, f"{finding.severity}: {finding.message}"), [])
            new = not builds
            if event.build not in builds:
                builds.append(event.build)
            told += new
            if new and told <= _MOST:
                text = f"{finding.message} ({finding.file})" if finding.file else finding.message
                lines += note_lines(finding.severity, text, hint=finding.hint, build=event.build)
        if told > _MOST:
            lines.append(line(f"{self._symbols.ellipsis} and {told - _MOST} more: wheelmatrix audit shows them all"))
        return lines

    def _note(self, event: Note) -> list[Line]:
        key = (event.text, event.build)
        if key in self._notes:
            return []
        self._notes.add(key)
        return note_lines(event.level, event.text, hint=event.hint, build=event.build)


def note_lines(level: str, text: str, *, hint: str | None = None, build: str | None = None) -> list[Line]:
    """Return a warning, note or error with its hint: ``warning: …`` and ``hint: …``."""
    style = _STYLES.get(level, Span("", "accent")).style
    first, *rest = clean(text).splitlines() or [""]
    prefix = [_prefix(build)] if build else []
    return [
        line(*prefix, Span(f"{level}:", style), f" {first}"),
        *(line(f"  {part}") for part in rest),
        *hint_lines(hint),
    ]


_MOST = 8
_CUT = re.compile(r"\S+ \d+ more lines? in the log")  # where a failure's words were cut off
_STYLES = {"error": Span("", "bad"), "warning": Span("", "warn")}


def _prefix(build: str) -> Span:
    return Span(f"[{clean_line(build)}] ", "dim")


def _first(text: str) -> str:
    return text.strip().split("\n", 1)[0]
