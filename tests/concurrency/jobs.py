"""What the processes do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from parlant.core.common import Version
from parlant.core.persistence.common import Cursor, SortDirection, Where
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    DocumentCollection,
    identity_loader,
)
from parlant_supabase import DuplicateDocumentError, SupabaseDocumentDatabase

from tests.concurrency.workers import meet

NAME = "documents"
PAGE = 7

Documents = DocumentCollection[BaseDocument]


async def _documents(database: SupabaseDocumentDatabase) -> Documents:
    return await database.get_or_create_collection(NAME, BaseDocument, identity_loader)


async def write_fields(
    database: SupabaseDocumentDatabase, filters: Where, fields: Sequence[str], times: int
) -> None:
    """Writes each field several times over; the last value is `times`."""
    documents = await _documents(database)

    async def write(field: str) -> None:
        for value in range(1, times + 1):
            await documents.update_one(filters, cast("BaseDocument", {field: value}))

    await asyncio.gather(*map(write, fields))


async def upsert(
    database: SupabaseDocumentDatabase, upserts: Sequence[tuple[Where, BaseDocument]]
) -> int:
    """How many of the upserts inserted."""
    documents = await _documents(database)
    results = await asyncio.gather(
        *(documents.update_one(filters, params, upsert=True) for filters, params in upserts)
    )
    return [result.matched_count for result in results].count(0)


async def delete(database: SupabaseDocumentDatabase, filters: Where, count: int) -> list[str]:
    """The ids of what as many calls deleted."""
    documents = await _documents(database)
    results = await asyncio.gather(*(documents.delete_one(filters) for _ in range(count)))
    assert all(
        (result.deleted_document is not None) == (result.deleted_count == 1) for result in results
    )
    return [
        result.deleted_document["id"] for result in results if result.deleted_document is not None
    ]


async def exchange_ids(
    database: SupabaseDocumentDatabase, pairs: Sequence[tuple[str, str]], times: int
) -> None:
    """Gives documents one another's ids, whenever these are free."""
    documents = await _documents(database)

    async def exchange(old: str, new: str) -> None:
        for _ in range(times):
            with suppress(DuplicateDocumentError):
                await documents.update_one({"id": {"$eq": old}}, cast("BaseDocument", {"id": new}))

    await asyncio.gather(*(exchange(*pair) for pair in pairs))


class Store:
    """A store at version 2.0.0 that counts how often it has migrated a document.

    It rejects documents that say so, and fails on others.
    """

    VERSION = Version.from_string("2.0.0")

    async def load(self, document: BaseDocument) -> BaseDocument | None:
        fields = cast("dict[str, Any]", document)
        if fields["fate"] == "reject":
            return None
        if fields["fate"] == "raise":
            raise KeyError(fields["version"])
        return cast(
            "BaseDocument",
            {**fields, "version": "2.0.0", "migrations": fields.get("migrations", 0) + 1},
        )


async def open_store(database: SupabaseDocumentDatabase) -> None:
    await database.get_or_create_collection(NAME, BaseDocument, Store().load)


async def open_store_or_edit(database: SupabaseDocumentDatabase, ids: Sequence[str]) -> None:
    """With ids, edits their documents several times over instead of opening the store."""
    if not ids:
        await open_store(database)
        return
    documents = await _documents(database)
    edit = cast("BaseDocument", {"edited": True})
    for _ in range(3):
        await asyncio.gather(*(documents.update_one({"id": {"$eq": id}}, edit) for id in ids))


async def open_and_index(
    database: SupabaseDocumentDatabase, indexes: Sequence[CollectionIndex], id: str
) -> None:
    """What a server does when it starts for the first time."""
    documents = await _documents(database)
    meet()
    await documents.ensure_indexes(indexes)
    await documents.insert_one(
        cast("BaseDocument", {"id": id, "creation_utc": "2026", "version": "1.0.0"})
    )


async def page_or_churn(
    database: SupabaseDocumentDatabase, passes: int, transients: Sequence[BaseDocument]
) -> list[list[str]]:
    """With passes to make, the ids that each of them found; else inserts and deletes till told.

    Who has made the passes inserts a document "done".
    """
    documents = await _documents(database)
    if passes:
        found = [
            await _pass(documents, direction)
            for direction in (SortDirection.ASC, SortDirection.DESC) * (passes // 2)
        ]
        await documents.insert_one(
            cast("BaseDocument", {"id": "done", "creation_utc": "", "version": "1.0.0"})
        )
        return found

    while await documents.find_one({"id": {"$eq": "done"}}) is None:
        for transient in transients:
            await documents.insert_one(transient)
        for transient in transients:
            await documents.delete_one({"id": {"$eq": transient["id"]}})
    return []


async def _pass(documents: Documents, direction: SortDirection) -> list[str]:
    found: list[str] = []
    cursor: Cursor | None = None
    while True:
        page = await documents.find({}, PAGE, cursor, direction)
        found += [document["id"] for document in page]
        if not page.has_more:
            return found
        cursor = page.next_cursor


async def write_at_random(database: SupabaseDocumentDatabase, seed: int, times: int) -> None:
    """Writes to few documents, which are asked for in several ways.

    Each time so many at once that some of them go alone and the others in a batch, small or large.
    """
    documents = await _documents(database)
    choice = random.Random(seed)

    async def write() -> None:
        id = choice.choice("abcdef")
        filters = cast(
            "Where",
            choice.choice(
                [{"id": {"$eq": id}}, {"k": {"$eq": id}}, {"k": {"$in": [id]}}, {"k": {"$gte": id}}]
            ),
        )
        params = {"id": id, "k": id, "creation_utc": "2026", "version": "1.0.0"}
        # Two documents cannot have one id.
        with suppress(DuplicateDocumentError):
            match choice.randrange(8):
                case 0:
                    await documents.delete_one(filters)
                case 1:
                    await documents.insert_one(cast("BaseDocument", {**params, "n": seed}))
                case 2:
                    await documents.update_one(filters, cast("BaseDocument", params), upsert=True)
                case _:
                    await documents.update_one(filters, cast("BaseDocument", {"n": seed}))

    for time in range(times):
        await asyncio.gather(*(write() for _ in range(12 if time % 5 else 100)))
