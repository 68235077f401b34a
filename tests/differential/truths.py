"""Bools that are no numbers: that True == 1 is not taken over from Parlant's reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Truth:
    """A bool that equals, and is ordered with, no number."""

    value: bool


def with_truths(value: Any) -> Any:
    """The value with truths for its bools."""
    if isinstance(value, bool):
        return Truth(value)
    if isinstance(value, dict):
        return {key: with_truths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_truths(item) for item in value]
    return value
