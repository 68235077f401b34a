"""Compares what a command printed with what a page shows."""

from __future__ import annotations

import re

ELLIPSIS = "…"


def matches(shown: str, printed: str) -> bool:
    """Whether it was printed as shown.

    `…` in the shown text stands for anything in that place, and alone on a line for any lines.
    Space at the ends of lines, and blank lines at the ends of the text, make no difference.
    """
    pattern = r"\n".join(
        r"(?:.*\n)*?.*" if line == ELLIPSIS else ".*?".join(map(re.escape, line.split(ELLIPSIS)))
        for line in _lines(shown)
    )
    return re.fullmatch(pattern, "\n".join(_lines(printed))) is not None


def _lines(text: str) -> list[str]:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n").split("\n")
