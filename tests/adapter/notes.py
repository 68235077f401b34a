"""Notes: the documents of these tests, whose only required fields are those of every document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import psycopg
from parlant.core.persistence.common import Where
from parlant.core.persistence.document_database import BaseDocument, DocumentCollection
from psycopg.types.json import Jsonb

from tests.tables import on

Notes = DocumentCollection[BaseDocument]

NOON = "2026-03-01T12:00:00+00:00"
EVERYTHING: Where = {}


def note(id: str, creation_utc: str = NOON, /, **fields: object) -> BaseDocument:
    return cast(
        BaseDocument, {"id": id, "creation_utc": creation_utc, "version": "1.0.0", **fields}
    )


def where(filters: object) -> Where:
    """A filter as a test writes it, right or wrong."""
    return cast(Where, filters)


def only(id: str) -> Where:
    return {"id": {"$eq": id}}


async def fill(notes: Notes, documents: Iterable[BaseDocument]) -> None:
    for document in documents:
        await notes.insert_one(document)


async def ids(notes: Notes, filters: object = None) -> list[str]:
    """Ids of the notes that match, in the order in which they are found."""
    return [document["id"] for document in await notes.find(where(filters or {}))]


def write_rows(
    connection: psycopg.Connection, table: str, documents: Iterable[Mapping[str, object]]
) -> None:
    """Puts documents into a table behind the adapter's back, incomplete ones too."""
    with connection.cursor() as cursor:
        cursor.executemany(
            on("insert into {} (data) values (%s)", table),
            [(Jsonb(document),) for document in documents],
        )
