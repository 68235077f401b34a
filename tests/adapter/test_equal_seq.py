"""Rows whose `seq` is not unique, as after a logical replication, a restore or a setval."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest
from parlant.core.common import Version
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import SupabaseDocumentDatabase

from tests.adapter.notes import Notes, note, only, where, write_rows
from tests.tables import on

SPOIL_SEQ = (
    "update {} set seq = 7",
    "update {} set seq = seq / 400",
    "update {} set seq = -seq",
)
SAME = where({"kind": {"$eq": "same"}})


@pytest.fixture
async def notes(database: SupabaseDocumentDatabase, sql: psycopg.Connection, prefix: str) -> Notes:
    """Notes of one kind that all have the same seq; the first by id was written last."""
    notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
    write_rows(
        sql, f"{prefix}notes", [note(id, kind="same") for id in ("d", "c", "e", "b", "f", "a")]
    )
    sql.execute(on("update {} set seq = 7", f"{prefix}notes"))
    return notes


async def test_that_the_first_match_is_the_first_by_id(notes: Notes) -> None:
    assert cast(Any, await notes.find_one(SAME))["id"] == "a"

    updated = await notes.update_one(SAME, cast(Any, {"text": "updated"}))
    assert cast(Any, updated.updated_document)["id"] == "a"

    deleted = [(await notes.delete_one(SAME)).deleted_document for _ in range(6)]
    assert [cast(Any, each)["id"] for each in deleted] == ["a", "b", "c", "d", "e", "f"]


async def test_that_a_sort_that_tells_none_apart_ends_with_the_id(notes: Notes) -> None:
    sort = [("kind", SortDirection.ASC)]

    for id in ("a", "b", "c"):
        assert cast(Any, await notes.find_one(SAME, sort))["id"] == id
        await notes.delete_one(only(id))


@pytest.mark.parametrize("spoil", SPOIL_SEQ)
async def test_that_a_loader_sees_every_document_once(
    database: SupabaseDocumentDatabase, sql: psycopg.Connection, prefix: str, spoil: str
) -> None:
    table = f"{prefix}notes"
    ids = [f"n{number}" for number in range(1201)]
    await database.create_collection("notes", BaseDocument)
    write_rows(sql, table, [note(id) for id in reversed(ids)])
    sql.execute(on(spoil, table))
    store = _Store()

    await database.get_or_create_collection("notes", BaseDocument, store.load)

    assert sorted(store.seen) == sorted(ids)
    assert sql.execute(on("select distinct version from {}", table)).fetchall() == [("2.0.0",)]


class _Store:
    """A store at version 2.0.0 that keeps a list of the ids that its loader was shown."""

    VERSION = Version.from_string("2.0.0")

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def load(self, document: BaseDocument) -> BaseDocument | None:
        self.seen.append(document["id"])
        return cast(BaseDocument, {**cast(Any, document), "version": "2.0.0"})
