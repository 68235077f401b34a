"""find_one: the first by insertion, or by a sort on any fields."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionSort,
    identity_loader,
)
from parlant_supabase import InvalidArgumentError

from tests.adapter.notes import EVERYTHING, Notes, fill, note, only, where, write_rows

ASC, DESC = SortDirection.ASC, SortDirection.DESC


@pytest.fixture
def prefix(reused_prefix: str) -> str:
    return reused_prefix


async def _first(notes: Notes, *sort: tuple[str, SortDirection]) -> str:
    document = await notes.find_one(EVERYTHING, sort=sort)
    assert document is not None
    return document["id"]


async def _in_order(notes: Notes, *sort: tuple[str, SortDirection]) -> list[str]:
    """Ids of all notes in the order of the sort, by taking away the first again and again."""
    order: list[str] = []
    while True:
        document = await notes.find_one(where({"id": {"$nin": order}}), sort=sort)
        if document is None:
            return order
        order.append(document["id"])


async def test_that_no_match_is_none(notes: Notes) -> None:
    await fill(notes, [note("a")])

    assert await notes.find_one(only("b")) is None
    assert await notes.find_one(only("b"), sort=[("id", ASC)]) is None


async def test_that_the_match_is_returned_whole(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann"), note("b", name="Bob", extra={"x": 1})])

    assert await notes.find_one(only("b")) == note("b", name="Bob", extra={"x": 1})


@pytest.mark.parametrize("sort", [None, ()])
async def test_that_without_a_sort_it_is_the_first_inserted(
    notes: Notes, sort: CollectionSort | None
) -> None:
    await fill(notes, [note("z", "2030"), note("a", "2020"), note("m", "2010")])
    await notes.update_one(only("z"), {"creation_utc": "2040"})

    document = await notes.find_one(EVERYTHING, sort=sort)

    assert document == note("z", "2040")


@pytest.mark.parametrize("field", ["rank", "creation_utc", "session_id", "id", "version"])
async def test_that_a_sort_goes_both_ways(notes: Notes, field: str) -> None:
    for value in ("b", "c", "a"):
        await notes.insert_one(note(value, **{"rank": value, "session_id": value, field: value}))

    assert await _in_order(notes, (field, ASC)) == ["a", "b", "c"]
    assert await _in_order(notes, (field, DESC)) == ["c", "b", "a"]


async def test_that_numbers_are_sorted_as_numbers(notes: Notes) -> None:
    await fill(notes, [note(str(n), rank=n) for n in (10, 9, 1.5, -1, 100)])

    assert await _in_order(notes, ("rank", ASC)) == ["-1", "1.5", "9", "10", "100"]
    assert await _first(notes, ("rank", DESC)) == "100"


@pytest.mark.parametrize("field", ["rank", "session_id"])
async def test_that_text_is_sorted_by_code_point_to_its_end(notes: Notes, field: str) -> None:
    long = "x" * 100
    texts = ["", "10", "9", "Z", "a", "e\u0301", long, long + "a", long + "aa", long + "b"]
    texts += ["é", "\ud7ff", "\uffee", "😀", "😀" * 101, "😀" * 102]
    assert texts == sorted(texts)
    await fill(notes, [note(str(i), **{field: texts[i]}) for i in (5, 0, 9, 12, 3, 15, 1)])
    await fill(notes, [note(str(i), **{field: texts[i]}) for i in (4, 14, 8, 2, 13, 7, 11, 6, 10)])

    expected = [str(i) for i in range(len(texts))]
    assert await _in_order(notes, (field, ASC)) == expected
    assert await _in_order(notes, (field, DESC)) == expected[::-1]


@pytest.mark.parametrize("field", ["rank", "session_id", "creation_utc"])
async def test_that_missing_comes_first_and_last_when_descending(
    notes: Notes, prefix: str, sql: psycopg.Connection, field: str
) -> None:
    rows: list[dict[str, Any]] = [{"id": "b", field: "x"}, {"id": "c"}, {"id": "a", field: None}]
    write_rows(sql, f"{prefix}notes", rows)

    assert await _in_order(notes, (field, ASC)) == ["c", "a", "b"]
    assert await _in_order(notes, (field, DESC)) == ["b", "c", "a"]


async def test_that_equals_stay_in_the_order_of_insertion(notes: Notes) -> None:
    await fill(notes, [note(id, rank=rank) for id, rank in (("z", 1), ("y", 2), ("x", 1))])

    assert await _in_order(notes, ("rank", ASC)) == ["z", "x", "y"]
    assert await _in_order(notes, ("rank", DESC)) == ["y", "z", "x"]


async def test_that_several_fields_sort_as_in_transient(notes: Notes) -> None:
    transient = await TransientDocumentDatabase().get_or_create_collection(
        "notes", BaseDocument, identity_loader
    )
    documents = [
        note(f"{n}", rank=n % 3, text="éZa"[n % 2], flag=n % 4 == 0, session_id=f"s{n % 2}")
        for n in range(12)
    ]
    await fill(notes, documents)
    await fill(transient, documents)

    for sort in (
        [("rank", ASC), ("text", DESC)],
        [("text", ASC), ("rank", DESC), ("id", DESC)],
        [("flag", DESC), ("session_id", ASC), ("rank", ASC)],
    ):
        assert await _in_order(notes, *sort) == await _in_order(transient, *sort)


async def test_that_the_sort_is_among_the_matches_only(notes: Notes) -> None:
    await fill(notes, [note(f"{n}", session_id=f"s{n % 2}", offset=n) for n in range(6)])

    latest = await notes.find_one({"session_id": {"$eq": "s0"}}, sort=[("offset", DESC)])

    assert latest == note("4", session_id="s0", offset=4)


@pytest.mark.parametrize("field", ['quo"te', "apo'strophe", "%s", "", "a b", "x desc; --"])
async def test_that_a_sort_field_may_have_any_name(notes: Notes, field: str) -> None:
    await fill(notes, [note("b", **{field: 2}), note("a", **{field: 1})])

    assert await _first(notes, (field, ASC)) == "a"


async def test_that_a_malformed_sort_is_refused(notes: Notes) -> None:
    with pytest.raises(InvalidArgumentError, match=r"SortDirection\.ASC or SortDirection\.DESC"):
        await notes.find_one(EVERYTHING, sort=[("id", "asc")])  # type: ignore[list-item]
    with pytest.raises(InvalidArgumentError, match="pair of a field name and a direction"):
        await notes.find_one(EVERYTHING, sort=[(5, ASC)])  # type: ignore[list-item]


async def test_that_the_filter_may_be_any(notes: Notes) -> None:
    await fill(notes, [note("a", rank=1), note("b", rank=2), note("c", rank=3)])

    found = await notes.find_one(where({"$or": [{"rank": {"$gt": 1}}, {"id": {"$eq": "c"}}]}))

    assert found == note("b", rank=2)
