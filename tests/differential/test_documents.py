"""What is inserted comes back equal, types included."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import DuplicateDocumentError

from tests.differential import values
from tests.differential.exactness import exact
from tests.differential.subject import Subject


@given(
    documents=st.lists(
        values.documents(st.one_of(values.VALUES, values.deep_values(), values.long_texts())),
        min_size=1,
        max_size=4,
        unique_by=lambda document: document["id"],
    )
)
def test_that_any_document_comes_back_equal(
    subject: Subject, documents: list[dict[str, Any]]
) -> None:
    subject.insert(documents)

    found = subject.wait_for(subject.collection.find({}))
    assert {document["id"]: exact(document) for document in found} == {
        document["id"]: exact(document) for document in documents
    }


@given(document=values.documents(), params=values.documents())
def test_that_an_update_merges_top_level_keys(
    subject: Subject, document: dict[str, Any], params: dict[str, Any]
) -> None:
    subject.insert([document])

    result = subject.wait_for(
        subject.collection.update_one({"id": {"$eq": document["id"]}}, cast("BaseDocument", params))
    )
    found = subject.wait_for(subject.collection.find_one({}))
    assert exact(found) == exact({**document, **params})
    assert exact(result.updated_document) == exact(found)


@pytest.mark.parametrize(
    "value",
    [
        1.0, -1.0, 0.0, 1e15, 9999999999999998.0, 1e16, 1e22, 1e23, 1.7976931348623157e308,
        5e-324, 1e-7, 0.1, 2.0**53,
        10**15, 10**30, -(10**39) - 1, 2**63, 10**300,
        True, False, None, "", [], {}, [[]], [{}], {"": {}}, {"": []}, [None], [1, 1.0, True, "1"],
        {"$where": {"a.b": ["'; drop table x; --"]}}, {"\\": "\\u0000", '"': "\x01\u2028"},
        "ab" * 500_000, "é😀\\\"'" * 200_000, ["x" * 1_000_000, 1e22],
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_that_a_value_at_the_edge_comes_back_equal(subject: Subject, value: Any) -> None:
    document = {"id": "a", "value": value, "nested": [{"value": value}], "large": 1e300}
    for held in (document, {**document, "large": 1.5}):
        subject.insert([held])

        assert exact(subject.wait_for(subject.collection.find_one({}))) == exact(held)


@pytest.mark.parametrize("levels", [1, 60, 190])
def test_that_a_nested_document_comes_back_equal(subject: Subject, levels: int) -> None:
    for value in ("x", 1e300):
        nested: Any = value
        for level in range(levels):
            nested = [nested] if level % 2 else {"": nested}
        subject.insert([{"id": "a", "nested": nested}])

        found = subject.wait_for(subject.collection.find_one({}))
        assert exact(found) == exact({"id": "a", "nested": nested})


@pytest.mark.parametrize(("held", "other"), [(1, 1.0), (1.0, 1), ([10**16], [1e16]), (1, True)])
def test_that_an_insert_is_acknowledged_only_for_what_comes_back_equal(
    subject: Subject, held: Any, other: Any
) -> None:
    subject.insert([{"id": "a", "value": held}])

    with pytest.raises(DuplicateDocumentError):
        subject.wait_for(
            subject.collection.insert_one(cast("BaseDocument", {"id": "a", "value": other}))
        )
    assert exact(subject.wait_for(subject.collection.find_one({}))) == exact(
        {"id": "a", "value": held}
    )
