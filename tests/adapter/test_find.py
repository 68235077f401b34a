"""find: order, limits, cursors and counts."""

from __future__ import annotations

from itertools import product

import psycopg
import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.persistence.document_database import BaseDocument, FindResult, identity_loader
from parlant_supabase import InvalidArgumentError, SupabaseDocumentDatabase

from tests.adapter.notes import EVERYTHING, NOON, Notes, fill, ids, note, where, write_rows

ASC, DESC = SortDirection.ASC, SortDirection.DESC

# Equal times, a dropped microsecond part, and ids that a locale would order otherwise.
TIMES = ("2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00.000001+00:00", "2026-02-01", "")
CROWD = [
    note(f"{id}{number}", time)
    for number, (time, id) in enumerate(product(TIMES, ("b", "A", "é", "_", "😀", "\uffee", "a")))
]


@pytest.fixture
def prefix(reused_prefix: str) -> str:
    return reused_prefix


@pytest.fixture
async def crowd(notes: Notes) -> Notes:
    await fill(notes, CROWD)
    return notes


@pytest.fixture
async def transient() -> Notes:
    """The same documents in Parlant's own database."""
    notes = await TransientDocumentDatabase().get_or_create_collection(
        "notes", BaseDocument, identity_loader
    )
    await fill(notes, CROWD)
    return notes


async def test_that_nothing_is_found_in_an_empty_collection(notes: Notes) -> None:
    found = await notes.find(EVERYTHING)

    assert found == FindResult(items=[], total_count=0, has_more=False, next_cursor=None)
    assert not found


async def test_that_a_document_is_found_whole(notes: Notes) -> None:
    await fill(notes, [note("a", name="Ann", extra={"plan": ["pro", 1, None]})])

    found = await notes.find(EVERYTHING)

    assert list(found) == [note("a", name="Ann", extra={"plan": ["pro", 1, None]})]
    assert found


@pytest.mark.parametrize("direction", [None, ASC, DESC])
async def test_that_the_order_is_that_of_time_then_id(
    crowd: Notes, transient: Notes, direction: SortDirection | None
) -> None:
    expected = await transient.find(EVERYTHING, sort_direction=direction)

    assert await crowd.find(EVERYTHING, sort_direction=direction) == expected


@pytest.mark.parametrize("direction", [ASC, DESC])
@pytest.mark.parametrize("limit", [1, 3, len(CROWD) - 1, len(CROWD), len(CROWD) + 1])
async def test_that_pages_hold_each_document_once_although_times_are_equal(
    crowd: Notes, transient: Notes, limit: int, direction: SortDirection
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = await crowd.find(EVERYTHING, limit, cursor, direction)
        assert page == await transient.find(EVERYTHING, limit, cursor, direction)
        seen += [document["id"] for document in page]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert page.has_more

    everything = await crowd.find(EVERYTHING, sort_direction=direction)
    assert seen == [document["id"] for document in everything]
    assert len(set(seen)) == len(CROWD)


@pytest.mark.parametrize("direction", [ASC, DESC])
async def test_that_a_cursor_need_not_be_that_of_a_document(
    crowd: Notes, transient: Notes, direction: SortDirection
) -> None:
    for time, id in product(["", "2026-02", NOON, "3000"], ["", "A1", "a", "\U0010ffff"]):
        cursor = Cursor(time, ObjectId(id))

        page = await crowd.find(EVERYTHING, 4, cursor, direction)

        assert page == await transient.find(EVERYTHING, 4, cursor, direction)


async def test_that_a_cursor_narrows_a_filter_of_alternatives(
    crowd: Notes, transient: Notes
) -> None:
    # Parlant's Mongo adapter loses the $or here.
    filters = where({"$or": [{"id": {"$eq": d["id"]}} for d in CROWD[::2]]})
    first = await crowd.find(filters, 5)

    second = await crowd.find(filters, 5, first.next_cursor)

    assert second == await transient.find(filters, 5, first.next_cursor)
    assert second.total_count == len(CROWD[::2]) - 5


async def test_that_the_total_counts_what_the_cursor_left_before_the_limit(notes: Notes) -> None:
    await fill(notes, [note(f"n{number}", kind=number % 2) for number in range(10)])

    first = await notes.find({"kind": {"$eq": 0}}, limit=2)
    second = await notes.find({"kind": {"$eq": 0}}, limit=2, cursor=first.next_cursor)
    third = await notes.find({"kind": {"$eq": 0}}, limit=2, cursor=second.next_cursor)

    assert [first.total_count, second.total_count, third.total_count] == [5, 3, 1]
    assert [first.has_more, second.has_more, third.has_more] == [True, True, False]
    assert third.next_cursor is None


async def test_that_a_limit_of_zero_is_an_empty_page(notes: Notes) -> None:
    nothing = await notes.find(EVERYTHING, limit=0)
    await fill(notes, [note("a"), note("b")])
    something = await notes.find(EVERYTHING, limit=0)

    assert nothing == FindResult(items=[], total_count=0, has_more=False)
    assert something == FindResult(items=[], total_count=2, has_more=True)


async def test_that_a_limit_beyond_any_number_of_documents_is_no_limit(crowd: Notes) -> None:
    page = await crowd.find(EVERYTHING, limit=2**62)

    assert len(page.items) == len(CROWD)
    assert not page.has_more


async def test_that_a_negative_limit_is_refused(notes: Notes) -> None:
    with pytest.raises(InvalidArgumentError, match="limit must not be negative"):
        await notes.find(EVERYTHING, limit=-1)


async def test_that_a_sort_direction_is_parlants(notes: Notes) -> None:
    with pytest.raises(InvalidArgumentError, match=r"SortDirection\.ASC"):
        await notes.find(EVERYTHING, sort_direction="desc")  # type: ignore[arg-type]


async def test_that_a_find_without_a_limit_returns_all_of_five_thousand(
    notes: Notes, prefix: str, sql: psycopg.Connection
) -> None:
    write_rows(sql, f"{prefix}notes", (note(f"{n:04}", text="x" * 50) for n in range(5000)))

    found = await notes.find(EVERYTHING)

    assert [document["id"] for document in found] == [f"{n:04}" for n in range(5000)]
    assert found.total_count == 5000
    assert not found.has_more

    page = await notes.find(EVERYTHING, limit=1500)
    assert len(page.items) == 1500
    assert page.total_count == 5000


async def test_that_a_document_without_a_time_comes_first_and_can_be_paged_past(
    notes: Notes, prefix: str, sql: psycopg.Connection
) -> None:
    write_rows(
        sql,
        f"{prefix}notes",
        [{"id": "b"}, {"id": "c", "creation_utc": None}, {"id": "a", "creation_utc": 5}, note("d")],
    )

    first = await notes.find(EVERYTHING, limit=2)
    second = await notes.find(EVERYTHING, limit=2, cursor=first.next_cursor)

    assert [document["id"] for document in first] == ["a", "b"]
    assert first.next_cursor == Cursor("", ObjectId("b"))
    assert [document["id"] for document in second] == ["c", "d"]


async def test_that_what_is_found_is_nobodys_but_the_callers(notes: Notes) -> None:
    await fill(notes, [note("a", tags=["x"])])

    document = (await notes.find(EVERYTHING)).items[0]
    document["id"] = ObjectId("changed")

    assert await ids(notes) == ["a"]


async def test_that_a_new_handle_finds_the_same(
    crowd: Notes, database: SupabaseDocumentDatabase
) -> None:
    again = await database.get_collection("notes", BaseDocument, identity_loader)

    assert await again.find(EVERYTHING) == await crowd.find(EVERYTHING)
