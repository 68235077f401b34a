"""ensure_indexes: really creates what is missing, and what is unique is."""

from __future__ import annotations

import re

import psycopg
import pytest
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader,
)
from parlant_supabase import (
    DuplicateDocumentError,
    InvalidArgumentError,
    SupabaseDocumentDatabase,
)

from tests.adapter.notes import Notes, fill, ids, note, only

ASC, DESC = SortDirection.ASC, SortDirection.DESC


def index(*fields: str | tuple[str, SortDirection], unique: bool = False) -> CollectionIndex:
    return CollectionIndex(
        fields=tuple(f if isinstance(f, tuple) else (f, ASC) for f in fields), unique=unique
    )


def definitions(sql: psycopg.Connection, table: str) -> list[str]:
    """What the table's indexes index, such as "(creation_utc, id)"; unique ones say so.

    The order key of a field appears as `key of 'field'`, the key that makes one unique as `values`.
    """
    order_key = re.compile(
        r"COALESCE\(\s*CASE jsonb_typeof\(\(data -> ('[^']*')::text\)\).*?\sEND, 'null'::jsonb\)",
        re.DOTALL,
    )
    unique_key = re.compile(r"sha256\(.*\)::bytea\)", re.DOTALL)
    rows = sql.execute(
        "select indexdef from pg_indexes where schemaname = 'public' and tablename = %s"
        " order by indexdef",
        (table,),
    ).fetchall()
    return sorted(
        ("unique " if "UNIQUE" in definition else "")
        + unique_key.sub("values", order_key.sub(r"key of \1", definition.split("USING btree ")[1]))
        for (definition,) in rows
    )


@pytest.fixture
def table(notes: Notes, prefix: str) -> str:
    return f"{prefix}notes"


async def test_that_missing_indexes_are_made(
    notes: Notes, table: str, sql: psycopg.Connection
) -> None:
    before = definitions(sql, table)

    await notes.ensure_indexes(
        [index("session_id", "offset"), index(("rank", DESC), "id"), index("key", unique=True)]
    )

    assert before == ["(creation_utc, id)", "(version, seq)", "unique (id)"]
    assert definitions(sql, table) == sorted(
        [
            *before,
            "(session_id NULLS FIRST, key of 'offset')",
            "(key of 'rank' DESC, id)",
            "unique (key of 'key', values) NULLS NOT DISTINCT",
        ]
    )


async def test_that_asking_twice_is_fine(
    notes: Notes, table: str, sql: psycopg.Connection, database: SupabaseDocumentDatabase
) -> None:
    indexes = [index("session_id", "offset"), index("key", unique=True)]
    await notes.ensure_indexes(indexes)
    once = definitions(sql, table)

    await notes.ensure_indexes(indexes)
    again = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
    await again.ensure_indexes([*indexes, *indexes])

    assert definitions(sql, table) == once


async def test_that_what_is_there_from_the_start_is_not_made_again(
    notes: Notes, table: str, sql: psycopg.Connection
) -> None:
    before = definitions(sql, table)

    await notes.ensure_indexes([index("id"), index("creation_utc", "id"), index("id", unique=True)])
    await notes.ensure_indexes([])

    assert definitions(sql, table) == before


async def test_that_other_directions_and_uniqueness_are_other_indexes(
    notes: Notes, table: str, sql: psycopg.Connection
) -> None:
    before = len(definitions(sql, table))

    await notes.ensure_indexes(
        [index("rank"), index(("rank", DESC)), index("rank", unique=True), index("rank", "key")]
    )

    assert len(definitions(sql, table)) == before + 4


async def test_that_each_collection_gets_its_own(
    notes: Notes, prefix: str, sql: psycopg.Connection, database: SupabaseDocumentDatabase
) -> None:
    others = await database.get_or_create_collection("others", BaseDocument, identity_loader)

    for collection in (notes, others):
        await collection.ensure_indexes([index("rank")])

    assert definitions(sql, f"{prefix}notes") == definitions(sql, f"{prefix}others")


async def test_that_tables_whose_names_begin_alike_get_their_own(
    database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
) -> None:
    names = [f"{'long' * 8}{ending}" for ending in ("one", "two")]
    for name in names:
        collection = await database.get_or_create_collection(name, BaseDocument, identity_loader)
        await collection.ensure_indexes([index("rank")])

    assert len({tuple(definitions(sql, prefix + name)) for name in names}) == 1
    assert len(definitions(sql, prefix + names[0])) == 4


async def test_that_a_unique_index_refuses_a_second_document_with_its_values(
    notes: Notes,
) -> None:
    await notes.ensure_indexes([index("name", "age", unique=True)])
    await fill(notes, [note("a", name="Ann", age=30), note("b", name="Ann", age=31)])

    with pytest.raises(DuplicateDocumentError, match="the same values in a unique index"):
        await notes.insert_one(note("c", name="Ann", age=30.0))
    with pytest.raises(DuplicateDocumentError, match="the same values in a unique index"):
        await notes.update_one(only("b"), note("b", age=30))

    assert await ids(notes) == ["a", "b"]
    assert await notes.find_one(only("b")) == note("b", name="Ann", age=31)


async def test_that_a_unique_index_is_named_where_an_update_changes_the_id_too(
    notes: Notes,
) -> None:
    await notes.ensure_indexes([index("name", unique=True)])
    await fill(notes, [note("a", name="Ann"), note("b", name="Bob")])

    with pytest.raises(DuplicateDocumentError, match="the same values in a unique index"):
        await notes.update_one(only("b"), note("c", name="Ann"))


async def test_that_a_unique_index_over_equal_documents_is_refused_and_not_made(
    notes: Notes, table: str, sql: psycopg.Connection
) -> None:
    await fill(notes, [note("a", name="Ann"), note("b", name="Ann")])
    before = definitions(sql, table)

    with pytest.raises(DuplicateDocumentError):
        await notes.ensure_indexes([index("age"), index("name", unique=True)])

    assert definitions(sql, table) == before


@pytest.mark.parametrize("field", ['quo"te', "apo'strophe", "a.b", "%s", "", "x); drop table y"])
async def test_that_a_field_may_have_any_name(
    notes: Notes, table: str, sql: psycopg.Connection, field: str
) -> None:
    before = len(definitions(sql, table))

    await notes.ensure_indexes([index(field, unique=True)])
    await notes.insert_one(note("a", **{field: 1}))

    assert len(definitions(sql, table)) == before + 1
    with pytest.raises(DuplicateDocumentError):
        await notes.insert_one(note("b", **{field: 1}))


async def test_that_a_malformed_index_is_refused(notes: Notes) -> None:
    with pytest.raises(InvalidArgumentError, match="a list of at least one field"):
        await notes.ensure_indexes([CollectionIndex(fields=())])
    with pytest.raises(InvalidArgumentError, match=r"SortDirection\.ASC"):
        await notes.ensure_indexes([CollectionIndex(fields=[("id", 1)])])  # type: ignore[list-item]
    with pytest.raises(InvalidArgumentError, match="pair of a field name"):
        await notes.ensure_indexes([CollectionIndex(fields=[(1, ASC)])])  # type: ignore[list-item]
