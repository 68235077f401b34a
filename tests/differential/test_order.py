"""Pages and sorts put the documents into the order that the model in Python puts them into."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypothesis import event, given
from hypothesis import strategies as st
from parlant.adapters.db.transient import TransientDocumentCollection
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.persistence.document_database import BaseDocument

from tests.differential import order, values
from tests.differential.exactness import exact
from tests.differential.subject import SCHEMA, Subject
from tests.differential.truths import with_truths

_DIRECTIONS = st.sampled_from([None, SortDirection.ASC, SortDirection.DESC])
_SORTED_FIELDS = ("kind", "version", "session_id", "", "a.b")
_SORTS = st.lists(
    st.tuples(
        st.sampled_from(["creation_utc", "id", *_SORTED_FIELDS]),
        st.sampled_from([SortDirection.ASC, SortDirection.DESC]),
    ),
    max_size=3,
)
_CURSORS = st.builds(Cursor, values.CREATION_UTCS, values.IDS.map(ObjectId))


@st.composite
def _documents(
    draw: st.DrawFn, anything: st.SearchStrategy[Any] = values.VALUES
) -> list[dict[str, Any]]:
    """Documents with many ties, and mostly with values of one type in each field."""
    kinds = st.sampled_from([values.TEXTS, values.NUMBERS, st.booleans(), values.SCALARS, anything])
    pools = {
        field: st.sampled_from([None, *draw(st.lists(draw(kinds), min_size=1, max_size=4))])
        for field in _SORTED_FIELDS
    }
    document = st.fixed_dictionaries(
        {"id": values.IDS}, optional={"creation_utc": values.CREATION_UTCS, **pools}
    )
    return values.without_duplicates(draw(st.lists(document, max_size=8)))


@given(
    documents=_documents(),
    direction=_DIRECTIONS,
    limit=st.one_of(st.none(), st.integers(0, 9)),
    start=st.one_of(st.none(), _CURSORS),
)
def test_that_pages_follow_one_another_in_order(
    subject: Subject,
    documents: list[dict[str, Any]],
    direction: SortDirection | None,
    limit: int | None,
    start: Cursor | None,
) -> None:
    subject.hold(documents)

    cursor = start
    for _ in range(len(documents) + 1):
        rest = order.after(documents, cursor, direction)
        page = subject.wait_for(subject.collection.find({}, limit, cursor, direction))
        expected = rest[:limit]

        assert exact(page.items) == exact(expected)
        assert page.total_count == len(rest)
        assert page.has_more == (len(expected) < len(rest))
        if not (page.has_more and expected):
            assert page.next_cursor is None
            break
        cursor = Cursor(*order.place(expected[-1]))  # type: ignore[arg-type]
        assert page.next_cursor == cursor


@given(documents=_documents(), sort=_SORTS)
def test_that_a_sort_decides_which_document_is_the_first(
    subject: Subject, documents: list[dict[str, Any]], sort: list[tuple[str, SortDirection]]
) -> None:
    subject.hold(documents)

    found = subject.wait_for(subject.collection.find_one({}, sort))

    if order.is_decided(documents, sort):
        event("values of one type")
        assert exact(found) == exact(order.first(documents, sort))
    else:
        event("values of several types")
        assert exact(found) in map(exact, documents)


@given(documents=_documents(values.SCALARS), sort=_SORTS, direction=_DIRECTIONS)
def test_that_the_model_agrees_with_the_reference(
    documents: list[dict[str, Any]],
    sort: list[tuple[str, SortDirection]],
    direction: SortDirection | None,
) -> None:
    held = cast("list[BaseDocument]", [with_truths(document) for document in documents])
    reference = TransientDocumentCollection("reference", SCHEMA, held)

    assert list(asyncio.run(reference.find({}, sort_direction=direction))) == order.listed(
        cast("list[order.Document]", held), direction
    )
    try:
        first = asyncio.run(reference.find_one({}, sort))
    except TypeError:
        event("the reference raises")
        return
    if order.is_decided(documents, sort):
        event("the reference answers")
        assert first == with_truths(order.first(documents, sort))
