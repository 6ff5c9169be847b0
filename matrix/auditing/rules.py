"""What the audit looks for: every code a finding may have, with its group, its severities and a line of advice.

Codes are words and never change their meaning; a code that falls out of use is not given to anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import msgspec
import tomli

from matrix.errors import UsageError, did_you_mean
from matrix.model import Finding

__all__ = ["GROUPS", "RULES", "Rule", "Selection", "advised", "rule_rows", "selection"]

GROUPS = {
    "tag": "what the file name claims",
    "binary": "any binary",
    "linux": "ELF files",
    "macos": "Mach-O files",
    "windows": "PE files",
    "python": "extension modules and the Pythons they are for",
    "archive": "the zip archive",
    "record": "RECORD",
    "metadata": "METADATA and WHEEL",
}

ALWAYS = "bad-wheel"
"""The one code that cannot be left out: a wheel that cannot be read has no verdict."""


class Rule(msgspec.Struct, frozen=True):
    """One thing the audit looks for.

    Attributes:
        code: What its findings are called.
        group: What it looks at, one of ``GROUPS``.
        severity: What its findings are, the usual one first: ``error``, ``warning or error``.
        meaning: What is found.
        advice: What to do about it, in one line; a finding may have a more exact one.
    """

    code: str
    group: str
    severity: str
    meaning: str
    advice: str


RULES: dict[str, Rule] = {
    code: Rule(code, group, **texts)
    for group, rules in tomli.loads(files(__package__).joinpath("rules.toml").read_text(encoding="utf-8")).items()
    for code, texts in rules.items()
}
"""Every rule by its code, in the order of their groups."""


class Selection(msgspec.Struct, frozen=True):
    """Which findings are reported.

    Attributes:
        codes: The codes that are; a wheel that cannot be read is always reported.
    """

    codes: frozenset[str]

    def keeps(self, finding: Finding) -> bool:
        """Whether a finding is reported. One of a code that no rule has is."""
        return finding.code == ALWAYS or finding.code in self.codes or finding.code not in RULES


def selection(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> Selection:
    """Return which codes are reported.

    Args:
        select: Codes and groups, several in one word with commas between; all when there are none.
        ignore: Likewise, those left out of these.

    Raises:
        UsageError: A word is neither a code nor a group.
    """
    chosen = _codes(select, "--select")
    return Selection((chosen or frozenset(RULES)) - _codes(ignore, "--ignore"))


def advised(finding: Finding) -> Finding:
    """Return the finding with its rule's advice where it has none of its own."""
    rule = RULES.get(finding.code)
    if finding.hint is not None or rule is None:
        return finding
    return msgspec.structs.replace(finding, hint=rule.advice)


def rule_rows() -> list[tuple[str, str, str, str, str]]:
    """Return a row for each rule as the reference shows it: group, code, severity, meaning, advice."""
    return [(rule.group, f"`{rule.code}`", rule.severity, rule.meaning, rule.advice) for rule in RULES.values()]


def _codes(words: Iterable[str], flag: str) -> frozenset[str]:
    found: set[str] = set()
    for word in (part.strip() for text in words for part in text.split(",") if part.strip()):
        if word in RULES:
            found.add(word)
        elif word == "all" or word in GROUPS:
            found |= {rule.code for rule in RULES.values() if word in {"all", rule.group}}
        else:
            hint = (
                did_you_mean(word, [*RULES, *GROUPS]) or f"groups are {', '.join(GROUPS)}; the README lists the codes"
            )
            raise UsageError(f"unknown code {word!r} ({flag})", hint=hint)
    return frozenset(found)
