"""Judges binaries: what an ELF file needs, which platform-tag level that meets, and what a wheel may claim.

``audit_binaries`` reads what a build made and ``meets`` answers the wish for a level; ``audit_wheel`` judges any
finished wheel. Nothing here depends on the machine that audits, and everything may run in threads.
"""

from __future__ import annotations

from matrix.auditing.audit import audit_binaries
from matrix.auditing.claims import BadWheelError
from matrix.auditing.image import BadBinaryError
from matrix.auditing.levels import Judgement, meets
from matrix.auditing.outcome import Audits, WheelAudit
from matrix.auditing.policy_file import read_policies
from matrix.auditing.rules import RULES, Selection, rule_rows, selection
from matrix.auditing.verdict import Analysis
from matrix.auditing.weak import flag_weak_needs
from matrix.auditing.wheel_audit import audit_wheel, audit_wheels

__all__ = [
    "RULES",
    "Analysis",
    "Audits",
    "BadBinaryError",
    "BadWheelError",
    "Judgement",
    "Selection",
    "WheelAudit",
    "audit_binaries",
    "audit_wheel",
    "audit_wheels",
    "flag_weak_needs",
    "meets",
    "read_policies",
    "rule_rows",
    "selection",
]
