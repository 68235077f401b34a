"""Documents and filters of every kind, for hypothesis to choose from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

# Fields with columns, indexes and paths of their own, and names that mean something to somebody.
FIELDS = (
    "kind", "version", "session_id", "customer_id", "agent_id",
    "", " ", "a.b", "$where", "$", "0", "-1", "null", "data", "seq", "d", "é", "😀",
    "x'y", 'x"y', "x\\y", "{x,y}", "%s %1$I", "'; drop table differential_subjects; --", "f" * 70,
)  # fmt: skip

_TEXTS = (
    "", "a", "b", "A", "Z", "é", "e\u0301", "ß", "ss", "\u0131", "\uffff", "😀", "\U0010ffff",
    "\u2028", "\x01", "\t\n\r\b\f\x7f", '"', "'", "\\", "\\\\x41", "\\u0000", "$1", "%s",
    "null", "true", "1", "9", "10", "NaN",
    "2026-01-01T00:00:00", "2026-01-01T00:00:00.000001+00:00",
    "' or true; drop table differential_subjects; --",
    # An order key ends after 100 characters.
    *("x" * 99 + tail for tail in ("", "x", "y", "xa", "xb", "xZ", "😀", "xé")),
    *("€" * 100 + tail for tail in ("", "a", "b")),
)  # fmt: skip

_NUMBERS = (
    0, 1, -1, 9, 10, 2**31, 2**53, 2**53 + 1, 2**63, 10**15, 10**16, 10**22, 10**23, 10**30,
    -(10**40), 0.0, -0.0, 1.0, 0.5, -1.5, 0.1, 1e-7, 5e-324, 2.2250738585072014e-308,
    1.7976931348623157e308, -1.7976931348623157e308, 2.0**53, 1e15, 9999999999999998.0, 1e16, 1e22,
    1e23, 1e30, 1e300,
)  # fmt: skip

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")

TEXTS = st.one_of(st.sampled_from(_TEXTS), st.text(_CHARACTERS, max_size=20))
NUMBERS = st.one_of(
    st.sampled_from(_NUMBERS),
    st.integers(-(10**40), 10**40),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
KEYS = st.one_of(st.sampled_from(FIELDS), TEXTS)


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(values, max_size=4), st.dictionaries(KEYS, values, max_size=4))


VALUES = st.one_of(SCALARS, st.recursive(SCALARS, _containers, max_leaves=10))


@st.composite
def deep_values(draw: st.DrawFn) -> Any:
    """Values nested up to 60 levels."""
    value: Any = draw(SCALARS)
    for key in draw(st.lists(st.one_of(st.none(), KEYS), max_size=60)):
        value = [value] if key is None else {key: value}
    return value


@st.composite
def long_texts(draw: st.DrawFn) -> str:
    """Texts that are compressed or stored out of line."""
    return draw(st.text(_CHARACTERS, min_size=1, max_size=50)) * draw(st.integers(100, 3000))


CREATION_UTCS = st.sampled_from(
    [
        "",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.000001+00:00",
        "2026-01-01",
        "é",
        "Z",
        "a",
    ]
)
IDS = st.one_of(
    st.sampled_from(["a", "b", "Z", "é", "a'b", "a-b", "ab", "😀", "\uffff"]),
    st.text(_CHARACTERS, min_size=1, max_size=8),
)


@st.composite
def documents(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> dict[str, Any]:
    """Documents that may lack any field but the id."""
    fields = draw(st.dictionaries(KEYS, values, max_size=8))
    # This one stands in an index, which holds no long text.
    fields |= draw(st.fixed_dictionaries({}, optional={"creation_utc": CREATION_UTCS}))
    return {**fields, "id": draw(IDS)}


def without_duplicates(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents, of those with one id the last."""
    return list({document["id"]: document for document in documents}.values())


def neighbours(value: Any) -> list[Any]:
    """Values that are easily taken for this one."""
    if isinstance(value, bool):
        return [int(value), float(value), str(value).lower(), not value]
    if isinstance(value, int):
        return [value + 1, -value, str(value), [value], value == 1, float(value % 10**300)]
    if isinstance(value, float):
        return [math.nextafter(value, 0.0), -value, str(value), int(value), value == 1.0]
    if isinstance(value, str):
        return [value + "a", value[:-1], value.upper(), [value], {"": value}]
    if isinstance(value, list):
        return [value[:-1], [*value, None], {str(n): item for n, item in enumerate(value)}]
    if isinstance(value, dict):
        return [{**value, "": None}, list(value.values()), {}]
    return [False, 0, "", [], {}, "null"]


EQUALITIES = ("$eq", "$ne")
RANGES = ("$gt", "$gte", "$lt", "$lte")
MEMBERSHIPS = ("$in", "$nin")

# A filter before it is known what the documents hold: its fields and operands are numbers.
Sketch = Mapping[Any, Any]

_NUMBER = st.integers(0, 63)
_CONDITION = st.one_of(
    st.tuples(st.sampled_from(EQUALITIES + RANGES), _NUMBER),
    st.tuples(st.sampled_from(MEMBERSHIPS), st.lists(_NUMBER, max_size=4)),
)
_CONDITIONS = st.one_of(
    _CONDITION.map(lambda pair: dict([pair])), st.lists(_CONDITION, max_size=3).map(dict)
)
_OF_FIELDS = st.dictionaries(_NUMBER, _CONDITIONS, max_size=3)

# Lists whose members differ in one field, as Parlant writes them for ids, tags and kinds.
_ALTERNATIVES = st.builds(
    lambda operators, common, field, operands: {
        operators[0]: [{**common, field: {operators[1]: operand}} for operand in operands]
    },
    st.sampled_from([("$or", "$eq"), ("$and", "$ne"), ("$or", "$ne"), ("$and", "$eq")]),
    st.dictionaries(_NUMBER, _CONDITIONS, max_size=1),
    _NUMBER,
    st.lists(_NUMBER, max_size=5),
)

_FLAT = st.one_of(_OF_FIELDS, _ALTERNATIVES)


@st.composite
def _sketches(draw: st.DrawFn, levels: int = 5) -> Sketch:
    """Filters of the whole grammar."""
    if levels == 1 or draw(st.booleans()):
        return draw(_FLAT)
    logical = draw(st.sampled_from([("$and",), ("$or",), ("$and", "$or"), ("$or", "$and")]))
    members = st.lists(_sketches(levels - 1), max_size=3)
    fields = draw(_OF_FIELDS) if draw(st.booleans()) else {}
    return {**{operator: draw(members) for operator in logical}, **fields}


def _drawn(sketch: Sketch, fields: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """The filter of a sketch, about these fields and values."""
    ordered = [value for value in values if not isinstance(value, (list, dict))] or [None]

    def operand(operator: str, number: Any) -> Any:
        if operator in MEMBERSHIPS:
            return [values[item % len(values)] for item in number]
        candidates = ordered if operator in RANGES else values
        return candidates[number % len(candidates)]

    return {
        **{
            fields[key % len(fields)]: {
                name: operand(name, number) for name, number in item.items()
            }
            for key, item in sketch.items()
            if isinstance(key, int)
        },
        **{
            key: [_drawn(member, fields, values) for member in item]
            for key, item in sketch.items()
            if isinstance(key, str)
        },
    }


def filters(fields: Sequence[str], values: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of the whole grammar, nested up to 5 levels, about these fields and values."""
    return _sketches().map(lambda sketch: _drawn(sketch, fields, values))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Documents, and filters that ask for what is in them or nearly is."""
    fields = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4))
    pool = draw(st.lists(VALUES, min_size=1, max_size=5))
    values = [near for value in pool for near in (value, value, *neighbours(value))]
    held = without_duplicates(
        [
            {
                **{fields[f % len(fields)]: values[v % len(values)] for f, v in numbers.items()},
                **utc,
                "id": id,
            }
            for numbers, utc, id in draw(_HELD)
        ]
    )
    asked = [
        _drawn(
            sketch,
            [*fields, *fields, "id", "creation_utc", "nowhere"],
            [*values, *(document["id"] for document in held), "2026-01-01"],
        )
        for sketch in draw(_ASKED)
    ]
    return held, asked


_HELD = st.lists(
    st.tuples(
        st.dictionaries(_NUMBER, _NUMBER, max_size=5),
        st.fixed_dictionaries({}, optional={"creation_utc": CREATION_UTCS}),
        IDS,
    ),
    min_size=1,
    max_size=7,
)
_ASKED = st.lists(_sketches(), min_size=4, max_size=8)
