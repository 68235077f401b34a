"""The collection that a failed document of Parlant's files belonged to, by its fields."""

from __future__ import annotations

import pytest
from parlant_supabase.transfer.records import Failure
from parlant_supabase.transfer.sources.parlant_layout import (
    STORES_BY_NAME,
    collection_of_failed,
    failure_of,
    metadata_first,
)


@pytest.mark.parametrize(
    ("store", "fields", "collection"),
    [
        ("sessions", ["id"], "sessions"),
        ("sessions", ["session_id"], "events"),
        ("customers", ["id"], "customers"),
        ("customers", ["tag_id", "customer_id"], "customer_tag_associations"),
        ("context_variables", ["id"], "variables"),
        ("context_variables", ["variable_id"], "values"),
        ("context_variables", ["variable_id", "tag_id"], "variable_tag_associations"),
        ("context_variables", ["session_id"], "variables"),
    ],
)
def test_that_it_is_told_by_its_fields(store: str, fields: list[str], collection: str) -> None:
    assert collection_of_failed(store, dict.fromkeys(fields)) == collection
    assert collection in STORES_BY_NAME[store].collections


def test_that_the_version_comes_first_and_the_rest_stays_in_order() -> None:
    assert [*metadata_first({"z": 1, "metadata": 2, "a": 3})] == [
        ("metadata", 2),
        ("z", 1),
        ("a", 3),
    ]


def test_that_an_id_that_is_no_string_is_none() -> None:
    assert failure_of({"id": "a"}) == Failure("a", "unknown")
    assert failure_of({"id": 1}) == failure_of({}) == Failure(None, "unknown")
