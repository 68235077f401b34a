"""What a filter means, said once more in Python, to compare the database with.

Where Parlant's Transient database answers, it answers the same (test_filters.py holds the two
together); where it raises, this says what was decided: a missing field is null, a value of one type
is never equal to nor ordered with one of another, and a bool is not a number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Filter = Mapping[str, Any]

_RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(filters: Filter, document: Mapping[str, Any]) -> bool:
    return all(_holds(key, condition, document) for key, condition in filters.items())


def _holds(key: str, condition: Any, document: Mapping[str, Any]) -> bool:
    if key == "$and":
        return all(matches(member, document) for member in condition)
    if key == "$or":
        return any(matches(member, document) for member in condition)
    return all(compare(name, document.get(key), operand) for name, operand in condition.items())


def compare(name: str, value: Any, operand: Any) -> bool:
    if name == "$eq":
        return same(value, operand)
    if name == "$ne":
        return not same(value, operand)
    if name == "$in":
        return any(same(value, element) for element in operand)
    if name == "$nin":
        return not any(same(value, element) for element in operand)
    return (
        kind(value) == kind(operand)
        and kind(value) in ("bool", "number", "string")
        and _RANGES[name](value, operand)
    )


def kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def same(value: Any, other: Any) -> bool:
    if kind(value) != kind(other):
        return False
    if isinstance(value, Mapping):
        return value.keys() == other.keys() and all(same(value[key], other[key]) for key in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value) == len(other) and all(map(same, value, other))
    return bool(value == other)
