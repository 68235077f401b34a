"""Equality that tells 1 from 1.0 and from True, as Python's does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def exact(value: Any) -> Any:
    """A value that equals another's if the two are alike, types included.

    -0.0 is like 0.0, because Postgres's numbers have no negative zero, and a tuple is like a list.
    """
    if isinstance(value, Mapping):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    if isinstance(value, float):
        return float, repr(value + 0.0)
    return type(value), value
