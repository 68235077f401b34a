"""Many callers at once lose nothing and double nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    DocumentCollection,
    identity_loader,
)
from parlant_supabase import (
    CollectionExistsError,
    DuplicateDocumentError,
    SupabaseDocumentDatabase,
)
from parlant_supabase.local import LocalStack
from psycopg.types.json import Jsonb

from tests.adapter.notes import EVERYTHING, Notes, fill, ids, note, only, where
from tests.tables import on
from tests.waiting import until


async def until_blocked(sql: psycopg.Connection, holder: psycopg.Connection) -> None:
    """Returns once another session waits for a lock of the holder's."""
    query = "select exists (select from pg_stat_activity where %s = any (pg_blocking_pids(pid)))"
    await until(
        lambda: sql.execute(query, (holder.info.backend_pid,)).fetchone() == (True,),
        "another session to wait for the lock",
    )


async def test_that_fifty_writers_of_fifty_fields_lose_none(notes: Notes) -> None:
    await fill(notes, [note("a")])
    fields = {f"field {number}": number for number in range(50)}

    async def write(name: str, value: int) -> None:
        params: Any = {name: value}
        await notes.update_one(only("a"), params)

    await asyncio.gather(*(write(name, value) for name, value in fields.items()))

    assert await notes.find_one(only("a")) == note("a", **fields)


@pytest.mark.parametrize(
    "filters", [only("a"), where({"variable": {"$eq": "v"}, "key": {"$eq": "k"}})]
)
async def test_that_upserts_at_once_with_one_filter_leave_one_document(
    make_database: Callable[..., SupabaseDocumentDatabase], notes: Notes, filters: Any
) -> None:
    by_id = "id" in filters
    async with make_database() as second:
        others = await second.get_collection("notes", BaseDocument, identity_loader)
        results = await asyncio.gather(
            *(
                collection.update_one(
                    filters,
                    note("a" if by_id else f"a{number}", variable="v", key="k", n=number),
                    upsert=True,
                )
                for number in range(20)
                for collection in (notes, others)
            )
        )

    assert sorted(result.matched_count for result in results) == [0] + [1] * 39
    assert (await notes.find(EVERYTHING)).total_count == 1


async def test_that_an_upsert_updates_what_another_inserts_meanwhile(
    notes: Notes, prefix: str, stack: LocalStack, sql: psycopg.Connection
) -> None:
    with psycopg.connect(stack.database_url) as other:
        other.execute(
            on("insert into {} (data) values (%s)", f"{prefix}notes"),
            (Jsonb(note("a", by="other")),),
        )
        upsert = asyncio.create_task(notes.update_one(only("a"), note("a", n=1), upsert=True))
        await until_blocked(sql, other)
        other.commit()

    assert (await upsert).matched_count == 1
    assert await notes.find_one(only("a")) == note("a", n=1, by="other")


async def test_that_an_update_whose_match_is_changed_meanwhile_takes_the_next(
    notes: Notes, prefix: str, stack: LocalStack, sql: psycopg.Connection
) -> None:
    await fill(notes, [note("a", state="open"), note("b", state="open")])
    params: Any = {"state": "mine"}
    with psycopg.connect(stack.database_url) as other:
        other.execute(
            on("update {} set data = data || %s where id = 'a'", f"{prefix}notes"),
            (Jsonb({"state": "theirs"}),),
        )
        update = asyncio.create_task(notes.update_one({"state": {"$eq": "open"}}, params))
        await until_blocked(sql, other)
        other.commit()

    assert (await update).updated_document == note("b", state="mine")
    assert await notes.find_one(only("a")) == note("a", state="theirs")


async def test_that_an_update_whose_match_becomes_another_document_meanwhile_takes_that(
    notes: Notes, prefix: str, stack: LocalStack, sql: psycopg.Connection
) -> None:
    await fill(notes, [note("a", state="open"), note("b", state="closed")])
    params: Any = {"state": "mine"}
    set_state = on("update {} set data = data || %s where id = %s", f"{prefix}notes")
    with psycopg.connect(stack.database_url) as other:
        other.execute(set_state, (Jsonb({"state": "closed"}), "a"))
        update = asyncio.create_task(notes.update_one({"state": {"$eq": "open"}}, params))
        await until_blocked(sql, other)
        other.execute(set_state, (Jsonb({"state": "open"}), "b"))
        other.commit()

    assert (await update).updated_document == note("b", state="mine")


async def test_that_deletes_at_once_with_one_filter_delete_one_document_each(notes: Notes) -> None:
    await fill(notes, [note(f"n{number}", kind=1) for number in range(30)])
    await fill(notes, [note("other", kind=2)])

    results = await asyncio.gather(*(notes.delete_one({"kind": {"$eq": 1}}) for _ in range(31)))

    assert sorted(result.deleted_count for result in results) == [0] + [1] * 30
    deleted = {r.deleted_document["id"] for r in results if r.deleted_document is not None}
    assert len(deleted) == 30
    assert await ids(notes) == ["other"]


async def test_that_a_delete_passes_over_a_document_that_another_is_deleting(
    notes: Notes, prefix: str, stack: LocalStack
) -> None:
    await fill(notes, [note("a", kind=1), note("b", kind=1)])
    with psycopg.connect(stack.database_url) as other:
        other.execute(on("delete from {} where id = 'a'", f"{prefix}notes"))

        result = await notes.delete_one({"kind": {"$eq": 1}})
        other.commit()

    assert result.deleted_document == note("b", kind=1)
    assert await ids(notes) == []


async def test_that_a_delete_waits_for_the_only_match_and_finds_it_if_it_stays(
    notes: Notes, prefix: str, stack: LocalStack, sql: psycopg.Connection
) -> None:
    await fill(notes, [note("a", kind=1)])
    with psycopg.connect(stack.database_url) as other:
        other.execute(on("delete from {} where id = 'a'", f"{prefix}notes"))
        delete = asyncio.create_task(notes.delete_one({"kind": {"$eq": 1}}))
        await until_blocked(sql, other)
        other.rollback()

    assert (await delete).deleted_document == note("a", kind=1)


async def test_that_one_document_inserted_many_times_at_once_is_stored_once(notes: Notes) -> None:
    results = await asyncio.gather(
        *(notes.insert_one(note("a", f"2026-01-01T00:00:{n:02}", name="Ann")) for n in range(20))
    )

    assert all(result.acknowledged for result in results)
    assert (await notes.find(EVERYTHING)).total_count == 1


async def test_that_of_different_documents_with_one_id_at_once_one_is_stored(notes: Notes) -> None:
    results = await asyncio.gather(
        *(notes.insert_one(note("a", name=f"Ann {number}")) for number in range(20)),
        return_exceptions=True,
    )

    failures = [result for result in results if isinstance(result, BaseException)]
    assert {type(failure) for failure in failures} == {DuplicateDocumentError}
    assert len(failures) == 19
    assert (await notes.find(EVERYTHING)).total_count == 1


async def test_that_a_collection_opened_by_many_at_once_is_created_once(
    database: SupabaseDocumentDatabase,
) -> None:
    opened: list[DocumentCollection[BaseDocument]] = await asyncio.gather(
        *(
            database.get_or_create_collection("notes", BaseDocument, identity_loader)
            for _ in range(10)
        )
    )

    await fill(opened[0], [note("a")])
    assert await asyncio.gather(*(ids(collection) for collection in opened)) == [["a"]] * 10


async def test_that_of_many_that_create_a_collection_at_once_one_succeeds(
    database: SupabaseDocumentDatabase,
) -> None:
    results = await asyncio.gather(
        *(database.create_collection("notes", BaseDocument) for _ in range(10)),
        return_exceptions=True,
    )

    failures = [result for result in results if isinstance(result, BaseException)]
    assert {type(failure) for failure in failures} == {CollectionExistsError}
    assert len(failures) == 9


async def test_that_indexes_asked_for_by_many_at_once_are_made_once(
    notes: Notes, prefix: str, sql: psycopg.Connection
) -> None:
    indexes = [
        CollectionIndex(fields=((field, SortDirection.ASC),), unique=unique)
        for field in ("rank", "key")
        for unique in (False, True)
    ]

    await asyncio.gather(*(notes.ensure_indexes(indexes) for _ in range(6)))

    count = sql.execute(
        "select count(*) from pg_indexes where tablename = %s", (f"{prefix}notes",)
    ).fetchone()
    assert count == (3 + 4,)
