"""What the doctor finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "notice", "warning", "error", "skipped"]

CHECKS = (
    "environment",
    "URL",
    "key",
    "reachability",
    "latency",
    "SQL version",
    "privileges",
    "row level security",
    "tables",
    "failed documents",
    "indexes",
    "views",
    "cache",
    "clock",
)
"""What is checked, in this order."""


@dataclass(frozen=True)
class Finding:
    """What one check came to.

    Attributes:
        check: One of CHECKS.
        status: An error keeps the agent from working, or lays its data open.
        text: What was found, in a sentence.
        remedies: What to do about it: sentences, commands and SQL statements.
    """

    check: str
    status: Status
    text: str
    remedies: tuple[str, ...] = ()


def complete(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of the checks, and one for each check that could not be made."""
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    return [
        finding
        for check in CHECKS
        for finding in by_check.get(check)
        or [Finding(check, "skipped", "Not checked, because of the errors above.")]
    ]
