"""Opening a collection brings its documents to the store's version and loses none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import psycopg
import pytest
from parlant.core.common import Version
from parlant.core.persistence.common import SortDirection, Where
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
)
from parlant_supabase import DuplicateDocumentError, SupabaseDocumentDatabase

from tests.adapter.notes import EVERYTHING, Notes, note, only, write_rows
from tests.tables import on

MakeDatabase = Callable[..., SupabaseDocumentDatabase]


class Store:
    """A store at version 2.0.0, whose loader does what each document says.

    The loader keeps a list of the ids that it was shown.
    """

    VERSION = Version.from_string("2.0.0")

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def load(self, document: BaseDocument) -> BaseDocument | None:
        self.seen.append(document["id"])
        fields = cast(dict[str, Any], document)
        match fields.get("then"):
            case "keep":
                return document
            case "reject":
                return None
            case "raise":
                raise KeyError(fields["version"])
            case "corrupt":
                return cast(BaseDocument, {**fields, "score": float("nan")})
            case "rename":
                return cast(BaseDocument, {**fields, "version": "2.0.0", "id": fields["to"]})
            case "change in place":
                fields["version"] = "2.0.0"
                return document
        return cast(BaseDocument, {**fields, "version": "2.0.0", "migrated": True})


def old(id: str, then: str = "migrate", **fields: object) -> BaseDocument:
    return note(id, version="1.0.0", then=then, **fields)


def failed(sql: psycopg.Connection, table: str) -> list[tuple[str, object, str]]:
    """(id, data, reason) of the failed documents, in the order in which they failed."""
    return sql.execute(
        on("select id, data, reason from {} order by seq", f"{table}_failed_migrations")
    ).fetchall()


@pytest.fixture
def table(prefix: str) -> str:
    return f"{prefix}notes"


@pytest.fixture
async def stored(
    database: SupabaseDocumentDatabase, sql: psycopg.Connection, table: str
) -> Callable[..., None]:
    """Stores documents without opening the collection."""
    await database.create_collection("notes", BaseDocument)
    return lambda *documents: write_rows(sql, table, documents)


async def everything(notes: Notes) -> list[BaseDocument]:
    return list(await notes.find(EVERYTHING))


async def test_that_a_document_of_an_older_version_is_brought_to_the_stores(
    database: SupabaseDocumentDatabase, stored: Callable[..., None], caplog: Any
) -> None:
    stored(old("a", name="Ann"))
    store = Store()

    notes = await database.get_or_create_collection("notes", BaseDocument, store.load)

    migrated = note("a", version="2.0.0", then="migrate", name="Ann", migrated=True)
    assert await everything(notes) == [migrated]
    assert store.seen == ["a"]
    assert "Migrated 1 documents of collection 'notes'." in caplog.text


async def test_that_a_document_at_the_stores_version_is_not_shown(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    stored(note("current", version="2.0.0"), old("old"), note("newer", version="3.0.0"))
    store = Store()

    await database.get_or_create_collection("notes", BaseDocument, store.load)

    assert sorted(store.seen) == ["newer", "old"]


async def test_that_a_document_is_not_shown_again_once_it_is_migrated(
    make_database: MakeDatabase, stored: Callable[..., None]
) -> None:
    stored(old("a"), old("b"))
    for expected in (["a", "b"], []):
        async with make_database() as database:
            store = Store()
            await database.get_or_create_collection("notes", BaseDocument, store.load)
            assert sorted(store.seen) == expected


@pytest.mark.parametrize("version", [None, "", 5, "0.0.1"])
async def test_that_a_document_of_no_or_a_strange_version_is_shown(
    database: SupabaseDocumentDatabase, stored: Callable[..., None], version: object
) -> None:
    stored(note("a", version=version))
    store = Store()

    notes = await database.get_or_create_collection("notes", BaseDocument, store.load)

    assert await everything(notes) == [note("a", version="2.0.0", migrated=True)]


async def test_that_a_document_that_the_loader_keeps_is_not_written(
    database: SupabaseDocumentDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    stored(old("a", then="keep"))
    before = sql.execute(on("select xmin, ctid from {}", table)).fetchall()

    notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert await everything(notes) == [old("a", then="keep")]
    assert sql.execute(on("select xmin, ctid from {}", table)).fetchall() == before


async def test_that_a_change_in_place_is_noticed(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    stored(old("a", then="change in place"))

    notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert await everything(notes) == [note("a", version="2.0.0", then="change in place")]


async def test_that_a_change_of_a_numbers_type_is_noticed(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    class FloatStore(Store):
        async def load(self, document: BaseDocument) -> BaseDocument | None:
            return cast(BaseDocument, {**document, "score": 1.0})

    stored(old("a", score=1))

    notes = await database.get_or_create_collection("notes", BaseDocument, FloatStore().load)

    (found,) = cast(list[dict[str, Any]], await everything(notes))
    assert isinstance(found["score"], float)


async def test_that_a_rejected_document_moves_to_the_failed_ones(
    database: SupabaseDocumentDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
    caplog: Any,
) -> None:
    stored(old("a"), old("b", then="reject"), old("c"))

    notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert [document["id"] for document in await everything(notes)] == ["a", "c"]
    assert failed(sql, table) == [("b", old("b", then="reject"), "rejected")]
    assert "1 documents of collection 'notes' were rejected" in caplog.text
    assert f"{table}_failed_migrations" in caplog.text


async def test_that_a_rejected_document_is_never_in_both_places_nor_in_none(
    make_database: MakeDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    # The move is refused half-way: nobody may write to the table of failed documents.
    stored(old("a", then="reject"))
    sql.execute(on("alter table {} add check (id <> 'a')", f"{table}_failed_migrations"))

    async with make_database() as database:
        with pytest.raises(Exception, match="save_loaded_documents of collection 'notes'"):
            await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert sql.execute(on("select id from {}", table)).fetchall() == [("a",)]
    assert failed(sql, table) == []


async def test_that_a_document_on_which_the_loader_raises_stays_and_is_copied_once(
    make_database: MakeDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
    caplog: Any,
) -> None:
    stored(old("a"), old("b", then="raise"))

    for _ in range(2):
        async with make_database() as database:
            notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)
            assert await notes.find_one(only("b")) == old("b", then="raise")

    assert failed(sql, table) == [("b", old("b", then="raise"), "raised: KeyError: '1.0.0'")]
    assert "1 documents of collection 'notes' could not be migrated" in caplog.text


async def test_that_a_document_that_fails_otherwise_is_copied_again(
    make_database: MakeDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    stored(old("a", then="raise"))
    versions = []
    for number in range(2):
        async with make_database() as database:
            notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)
            params: Any = {"number": number}
            versions.append(await notes.find_one(only("a")))
            await notes.update_one(only("a"), params)

    assert [data for _, data, _ in failed(sql, table)] == versions


async def test_that_what_the_loader_makes_unstorable_counts_as_raised(
    database: SupabaseDocumentDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    stored(old("a", then="corrupt"))

    notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert await everything(notes) == [old("a", then="corrupt")]
    ((id, _, reason),) = failed(sql, table)
    assert id == "a"
    assert "document['score'] is nan" in reason


async def test_that_a_reason_may_hold_anything(
    database: SupabaseDocumentDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    async def fail(document: BaseDocument) -> BaseDocument | None:
        raise ValueError("null \0, surrogate \ud800, and long " + "x" * 10_000)

    stored(old("a"))

    await database.get_or_create_collection("notes", BaseDocument, fail)

    ((_, _, reason),) = failed(sql, table)
    assert reason.startswith("raised: ValueError: null , surrogate ?, and long xxx")


async def test_that_a_loader_may_change_an_id(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    stored(old("a", then="rename", to="b"))

    notes = await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert [document["id"] for document in await everything(notes)] == ["b"]


async def test_that_a_loader_that_gives_two_documents_one_id_overwrites_nothing(
    database: SupabaseDocumentDatabase,
    stored: Callable[..., None],
    sql: psycopg.Connection,
    table: str,
) -> None:
    stored(old("a", then="rename", to="b"), note("b", version="2.0.0"))

    with pytest.raises(DuplicateDocumentError, match="the id of another"):
        await database.get_or_create_collection("notes", BaseDocument, Store().load)

    assert sql.execute(on("select id from {} order by id", table)).fetchall() == [("a",), ("b",)]


async def test_that_a_loader_that_clashes_in_a_unique_index_overwrites_nothing(
    make_database: MakeDatabase, stored: Callable[..., None]
) -> None:
    stored(old("a"), note("b", version="2.0.0", migrated=True))
    async with make_database() as database:
        notes = await database.get_collection("notes", BaseDocument, _keep)
        await notes.ensure_indexes(
            [CollectionIndex(fields=(("migrated", SortDirection.ASC),), unique=True)]
        )

        with pytest.raises(DuplicateDocumentError, match="the same values in a unique index"):
            await database.get_collection("notes", BaseDocument, Store().load)

        assert await notes.find_one(only("a")) == old("a")


async def test_that_a_loader_without_a_store_sees_every_document(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    stored(
        note("", version="1.0.0"),
        note("a", version="2.0.0"),
        {"id": "b"},
        note("c", version="3.0.0"),
    )
    seen: list[str] = []

    async def load(document: BaseDocument) -> BaseDocument | None:
        seen.append(document["id"])
        return cast(BaseDocument, {**document, "seen": True})

    notes = await database.get_collection("notes", BaseDocument, load)

    assert seen == ["", "a", "b", "c"]
    everyone: Where = {"seen": {"$eq": True}}
    assert (await notes.find(everyone)).total_count == 4


async def test_that_a_loader_of_an_object_without_a_version_sees_every_document(
    database: SupabaseDocumentDatabase, stored: Callable[..., None]
) -> None:
    class Unversioned:
        def __init__(self) -> None:
            self.seen: list[str] = []

        async def load(self, document: BaseDocument) -> BaseDocument | None:
            self.seen.append(document["id"])
            return document

    stored(note("a", version="1.0.0"), note("b", version="2.0.0"))
    owner = Unversioned()

    await database.get_collection("notes", BaseDocument, owner.load)

    assert owner.seen == ["a", "b"]


async def _keep(document: BaseDocument) -> BaseDocument:
    return document


class TestPages:
    """The database hands documents to the loader in pages of 500 documents or 4 MB."""

    @pytest.mark.parametrize("versioned", [True, False])
    async def test_that_every_document_of_many_is_loaded_once(
        self,
        database: SupabaseDocumentDatabase,
        stored: Callable[..., None],
        sql: psycopg.Connection,
        table: str,
        versioned: bool,
    ) -> None:
        # Of two versions, one before and one after the store's, whatever becomes of them.
        fates = ("migrate", "reject", "raise", "keep")
        stored(
            *(
                note(f"{n:04}", version=("1.0.0", "3.0.0")[n % 2], then=fates[n % 4])
                for n in range(1600)
            )
        )
        store = Store()

        async def load(document: BaseDocument) -> BaseDocument | None:
            return await store.load(document)

        notes = await database.get_collection(
            "notes", BaseDocument, store.load if versioned else load
        )

        assert sorted(store.seen) == [f"{n:04}" for n in range(1600)]
        assert (await notes.find(EVERYTHING)).total_count == 1200
        assert (await notes.find({"version": {"$eq": "2.0.0"}})).total_count == 400
        reasons = [reason.split(":")[0] for _, _, reason in failed(sql, table)]
        assert sorted(reasons) == ["raised"] * 400 + ["rejected"] * 400

    async def test_that_large_documents_come_in_pages_of_their_own(
        self,
        database: SupabaseDocumentDatabase,
        stored: Callable[..., None],
        sql: psycopg.Connection,
        prefix: str,
    ) -> None:
        stored(*(old(f"{n}", text=f"{n}" * 1_500_000) for n in range(8)))
        store = Store()

        page = sql.execute(
            "select public.parlant_get_collection(%s, 'notes', '2.0.0')", (prefix,)
        ).fetchone()
        notes = await database.get_collection("notes", BaseDocument, store.load)

        assert page is not None
        assert len(page[0]["documents"]) == 3
        assert store.seen == [f"{n}" for n in range(8)]
        assert (await notes.find({"migrated": {"$eq": True}})).total_count == 8

    @pytest.mark.parametrize("count", [499, 500, 501, 1000])
    async def test_that_pages_end_where_they_should(
        self, database: SupabaseDocumentDatabase, stored: Callable[..., None], count: int
    ) -> None:
        stored(*(old(f"{n:04}") for n in range(count)))
        store = Store()

        notes = await database.get_collection("notes", BaseDocument, store.load)

        assert len(store.seen) == len(set(store.seen)) == count
        assert (await notes.find({"migrated": {"$eq": True}})).total_count == count


class TestTwoServers:
    async def test_that_a_collection_opened_twice_at_once_is_migrated_once(
        self,
        make_database: MakeDatabase,
        stored: Callable[..., None],
        sql: psycopg.Connection,
        table: str,
    ) -> None:
        class CountingStore(Store):
            async def load(self, document: BaseDocument) -> BaseDocument | None:
                loaded = await super().load(document)
                # Lets the other server in between.
                await asyncio.sleep(0)
                if loaded is not None and loaded is not document:
                    counted: Any = {**loaded, "times": cast(Any, document).get("times", 0) + 1}
                    return cast(BaseDocument, counted)
                return loaded

        fates = ("migrate", "reject", "raise")
        stored(*(old(f"{n:04}", then=fates[n % 3]) for n in range(1200)))

        async with make_database() as first, make_database() as second:
            one, two = CountingStore(), CountingStore()
            notes, again = await asyncio.gather(
                first.get_or_create_collection("notes", BaseDocument, one.load),
                second.get_or_create_collection("notes", BaseDocument, two.load),
            )

            assert (await notes.find({"times": {"$eq": 1}})).total_count == 400
            assert (await again.find(EVERYTHING)).total_count == 800
        assert len(failed(sql, table)) == 800

    async def test_that_a_document_changed_meanwhile_is_shown_again(
        self,
        make_database: MakeDatabase,
        stored: Callable[..., None],
        sql: psycopg.Connection,
        table: str,
    ) -> None:
        stored(old("a"), old("b", then="reject"), old("c", then="raise"), old("d"), old("e"))
        async with make_database() as first, make_database() as second:
            others = await second.get_collection("notes", BaseDocument, _keep)

            class Interrupted(Store):
                async def load(self, document: BaseDocument) -> BaseDocument | None:
                    if document["id"] == "d":
                        await others.delete_one(only("d"))
                    elif document["id"] != "e":
                        params: Any = {"edited": True}
                        await others.update_one(only(document["id"]), params)
                    return await super().load(document)

            store = Interrupted()
            notes = await first.get_collection("notes", BaseDocument, store.load)

            assert await everything(notes) == [
                note("a", version="2.0.0", then="migrate", edited=True, migrated=True),
                old("c", then="raise", edited=True),
                note("e", version="2.0.0", then="migrate", migrated=True),
            ]
        assert store.seen == ["a", "b", "c", "d", "e", "a", "b", "c"]
        assert [(id, data) for id, data, _ in failed(sql, table)] == [
            ("b", old("b", then="reject", edited=True)),
            ("c", old("c", then="raise", edited=True)),
        ]

    async def test_that_a_document_migrated_meanwhile_is_left_alone(
        self, make_database: MakeDatabase, stored: Callable[..., None]
    ) -> None:
        stored(old("a"))
        async with make_database() as first, make_database() as second:
            others = await second.get_collection("notes", BaseDocument, _keep)

            class Overtaken(Store):
                async def load(self, document: BaseDocument) -> BaseDocument | None:
                    await others.update_one(only("a"), note("a", version="2.0.0", by="another"))
                    return await super().load(document)

            store = Overtaken()
            notes = await first.get_collection("notes", BaseDocument, store.load)

            assert await everything(notes) == [
                note("a", version="2.0.0", then="migrate", by="another")
            ]
        assert store.seen == ["a"]
