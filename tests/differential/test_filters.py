"""A filter finds what the model finds, and the model is Parlant's reference where that answers."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import event, given
from parlant.core.persistence.common import SortDirection, Where, matches_filters
from parlant_supabase import InvalidFilterError

from tests.adapter import filter_model
from tests.differential import values
from tests.differential.subject import Subject
from tests.differential.truths import with_truths

World = tuple[list[dict[str, Any]], list[dict[str, Any]]]


@given(world=values.worlds())
def test_that_a_filter_finds_what_the_model_finds(subject: Subject, world: World) -> None:
    documents, filters = world
    subject.hold(documents)

    for where, found in zip(filters, subject.ids(filters), strict=True):
        matching = {d["id"] for d in documents if filter_model.matches(where, d)}
        assert found == matching, where


# So many that no index can answer, and values are compared themselves.
_MANY = {f"absent {number}": {"$ne": 1} for number in range(60)}


@given(world=values.worlds())
def test_that_a_filter_among_many_conditions_finds_the_same(subject: Subject, world: World) -> None:
    documents, filters = world
    subject.hold(documents)

    among_many = [{"$and": [where, _MANY]} for where in filters]
    assert subject.ids(among_many) == subject.ids(filters)


def _unmixed(where: dict[str, Any]) -> dict[str, Any]:
    """The filter without fields beside logical operators, of which the reference ignores some."""
    logical = {
        key: [_unmixed(member) for member in members]
        for key, members in where.items()
        if key in ("$and", "$or")
    }
    fields = {key: condition for key, condition in where.items() if key not in logical}
    return {"$and": [logical, fields]} if logical and fields else logical or fields


@given(world=values.worlds())
def test_that_the_model_agrees_with_the_reference(world: World) -> None:
    documents, filters = world
    for where in filters:
        for document in documents:
            try:
                answer = matches_filters(
                    cast("Where", with_truths(_unmixed(where))), with_truths(document)
                )
            except (KeyError, TypeError):
                event("the reference raises")
                continue
            event("the reference answers")
            assert filter_model.matches(where, document) == answer, (where, document)


@pytest.mark.parametrize("number", [1e16, -1e22, 1e23, 1.7976931348623157e308, 10**23])
def test_that_a_large_number_is_found_by_itself(subject: Subject, number: float) -> None:
    # As JSON, the float 1e23 and the integer 10**23 are one number; in Python they differ.
    subject.hold([{"id": "a", "value": number}, {"id": "b", "value": -number}])

    filters: list[dict[str, Any]] = [
        {"value": {"$eq": number}},
        {"value": {"$in": [number]}},
        {"$or": [{"value": {"$eq": number}}, {"value": {"$eq": 0}}]},
        {"value": {"$gte": number, "$lte": number}},
    ]
    assert subject.ids(filters) == [{"a"}] * len(filters)


@pytest.mark.parametrize("field", ["kind", "version", "session_id"])
def test_that_long_texts_that_differ_at_the_end_are_ordered_by_code_point(
    subject: Subject, field: str
) -> None:
    # In German, a comes before Z.
    before, after = "x" * 100 + "Z", "x" * 100 + "a"
    subject.hold([{"id": "2", field: after}, {"id": "1", field: before}])

    filters: list[dict[str, Any]] = [
        {field: {"$gt": before}},
        {field: {"$lt": after}},
        {field: {"$gte": after}},
        {field: {"$lte": before}},
    ]
    assert subject.ids(filters) == [{"2"}, {"1"}, {"2"}, {"1"}]
    first = subject.wait_for(subject.collection.find_one({}, [(field, SortDirection.ASC)]))
    assert first is not None
    assert first["id"] == "1"


@pytest.mark.parametrize(
    "where",
    [
        {"a": {"$gt": []}},
        {"$or": [{"a": {"$lte": {}}}, {}]},
        {"a": 1},
        {"$where": "true"},
        {"a": {"$regex": "a"}},
        {"$and": {}},
        {"a": {"$in": "a"}},
    ],
)
def test_that_a_filter_outside_the_grammar_is_refused(subject: Subject, where: Any) -> None:
    with pytest.raises(InvalidFilterError):
        subject.ids([where])
