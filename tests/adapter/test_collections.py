"""Creating, opening and deleting collections, and the names of their tables."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import (
    CollectionExistsError,
    CollectionNotFoundError,
    ConfigurationError,
    InvalidTableNameError,
    SupabaseAdapterError,
    SupabaseDocumentDatabase,
    TableNotOursError,
)

from tests.adapter.notes import EVERYTHING, fill, ids, note
from tests.tables import on

MakeDatabase = Callable[..., SupabaseDocumentDatabase]


def tables(sql: psycopg.Connection, prefix: str) -> list[str]:
    rows = sql.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        " and starts_with(relname, %s) order by relname",
        (prefix,),
    )
    return [name for (name,) in rows]


class TestCreateCollection:
    async def test_that_it_is_new_and_empty(
        self, database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        notes = await database.create_collection("notes", BaseDocument)

        assert await ids(notes) == []
        assert tables(sql, prefix) == [f"{prefix}notes", f"{prefix}notes_failed_migrations"]

    async def test_that_one_that_exists_is_refused_and_left_alone(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        notes = await database.create_collection("notes", BaseDocument)
        await fill(notes, [note("a")])

        with pytest.raises(CollectionExistsError, match="exists") as caught:
            await database.create_collection("notes", BaseDocument)

        assert isinstance(caught.value, ValueError)
        assert await ids(notes) == ["a"]


class TestGetCollection:
    async def test_that_one_that_does_not_exist_is_missed(
        self, database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        with pytest.raises(CollectionNotFoundError, match="does not exist") as caught:
            await database.get_collection("notes", BaseDocument, identity_loader)

        assert isinstance(caught.value, ValueError)
        assert tables(sql, prefix) == []

    async def test_that_one_that_exists_is_opened_with_its_documents(
        self, make_database: MakeDatabase
    ) -> None:
        async with make_database() as first:
            notes = await first.create_collection("notes", BaseDocument)
            await fill(notes, [note("a")])

        async with make_database() as second:
            notes = await second.get_collection("notes", BaseDocument, identity_loader)
            assert await ids(notes) == ["a"]


class TestGetOrCreateCollection:
    async def test_that_it_creates_once_and_opens_then(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await fill(notes, [note("a")])

        again = await database.get_or_create_collection("notes", BaseDocument, identity_loader)

        assert await ids(again) == ["a"]


class TestDeleteCollection:
    async def test_that_it_takes_the_documents_along(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        notes = await database.create_collection("notes", BaseDocument)
        await fill(notes, [note("a")])

        await database.delete_collection("notes")

        with pytest.raises(CollectionNotFoundError):
            await database.get_collection("notes", BaseDocument, identity_loader)
        with pytest.raises(CollectionNotFoundError):
            await notes.find(EVERYTHING)
        assert await ids(await database.create_collection("notes", BaseDocument)) == []

    async def test_that_failed_documents_are_kept(
        self, database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        async def reject(document: BaseDocument) -> BaseDocument | None:
            return None

        notes = await database.create_collection("notes", BaseDocument)
        await fill(notes, [note("a")])
        await database.get_collection("notes", BaseDocument, reject)

        await database.delete_collection("notes")
        assert tables(sql, prefix) == [f"{prefix}notes_failed_migrations"]

        await database.create_collection("notes", BaseDocument)
        kept = sql.execute(on("select data from {}", f"{prefix}notes_failed_migrations")).fetchall()
        assert kept == [(note("a"),)]

    async def test_that_one_that_does_not_exist_is_missed(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        with pytest.raises(CollectionNotFoundError):
            await database.delete_collection("notes")

    async def test_that_a_view_of_the_users_own_keeps_it(
        self, database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        notes = await database.create_collection("notes", BaseDocument)
        await fill(notes, [note("a")])
        sql.execute(on("create view {} as select id from {}", f"{prefix}own", f"{prefix}notes"))

        with pytest.raises(SupabaseAdapterError, match="depends on the table") as refusal:
            await database.delete_collection("notes")

        assert f"view public.{prefix}own" in (refusal.value.server_detail or "")
        assert await ids(notes) == ["a"]


class TestTableNames:
    @pytest.mark.parametrize(
        ("ending", "collection", "table"),
        [
            ("sessions_", "sessions", "sessions_"),
            ("sessions", "sessions", "sessions"),
            ("sessions___", "sessions", "sessions___"),
            ("sessions_", "events", "sessions_events"),
            ("sessions_", "metadata", "sessions_metadata"),
            ("context_variables_", "variables", "context_variables_"),
            ("context_variables_", "values", "context_variables_values"),
            ("app_", "sessions", "app_sessions"),
            ("", "OpenAITextEmbedding3Large", "OpenAITextEmbedding3Large"),
            ("größe ", 'strange "name"', 'größe strange "name"'),
        ],
    )
    async def test_that_a_table_is_called_prefix_and_name_or_the_prefix_that_ends_with_it(
        self,
        make_database: MakeDatabase,
        prefix: str,
        sql: psycopg.Connection,
        ending: str,
        collection: str,
        table: str,
    ) -> None:
        async with make_database(prefix + ending) as database:
            notes = await database.create_collection(collection, BaseDocument)
            await fill(notes, [note("a")])

            assert await ids(notes) == ["a"]

        assert prefix + table in tables(sql, prefix)

    async def test_that_a_long_name_is_cut_as_postgres_cuts_it(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        long = f"{prefix}context_variables_"
        async with make_database(long) as database:
            notes = await database.create_collection("variable_tag_associations", BaseDocument)
            await fill(notes, [note("a")])

        whole = f"{long}variable_tag_associations_failed_migrations"
        assert len(whole) > 63
        assert tables(sql, prefix) == [f"{long}variable_tag_associations", whole[:63]]

    async def test_that_a_cut_in_the_middle_of_a_character_gives_a_name(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        async with make_database(prefix) as database:
            notes = await database.create_collection("é" * 24, BaseDocument)
            await fill(notes, [note("a")])

            assert await ids(notes) == ["a"]
        assert all(len(name.encode()) <= 63 for name in tables(sql, prefix))

    @pytest.mark.parametrize("length", [63, 64, 200])
    async def test_that_a_name_without_room_for_the_failed_documents_is_refused(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection, length: int
    ) -> None:
        async with make_database() as database:
            with pytest.raises(InvalidTableNameError, match="too long"):
                await database.create_collection("x" * length, BaseDocument)

        assert tables(sql, prefix) == []

    async def test_that_long_names_cut_to_the_same_are_refused(
        self, make_database: MakeDatabase, prefix: str
    ) -> None:
        # The two tables have different names; those for their failed documents are cut to the same.
        short = "x" * (55 - len(prefix))
        async with make_database() as database:
            await database.create_collection(short, BaseDocument)
            with pytest.raises(InvalidTableNameError, match="would share table"):
                await database.create_collection(f"{short}_failed", BaseDocument)

    async def test_that_two_prefixes_never_share_a_table(
        self, make_database: MakeDatabase, prefix: str
    ) -> None:
        async with make_database(f"{prefix}a_") as first, make_database(prefix) as second:
            notes = await first.create_collection("b", BaseDocument)
            await fill(notes, [note("a")])

            with pytest.raises(InvalidTableNameError, match="would share table") as caught:
                await second.get_or_create_collection("a_b", BaseDocument, identity_loader)

            assert f"'{prefix}a_'" in str(caught.value)
            assert await ids(notes) == ["a"]

    async def test_that_a_collection_is_never_the_table_of_failed_documents_of_another(
        self, make_database: MakeDatabase
    ) -> None:
        async with make_database() as database:
            await database.create_collection("notes", BaseDocument)

            with pytest.raises(InvalidTableNameError, match="would share table"):
                await database.create_collection("notes_failed_migrations", BaseDocument)

    async def test_that_a_collection_needs_a_name(self, make_database: MakeDatabase) -> None:
        async with make_database() as database:
            with pytest.raises(InvalidTableNameError, match="must not be empty"):
                await database.create_collection("", BaseDocument)

    async def test_that_quotes_in_names_are_part_of_the_name(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        strange = f'{prefix}"; drop table {prefix}x; --'
        sql.execute(on("create table {} ()", f"{prefix}x"))
        async with make_database(strange) as database:
            notes = await database.create_collection("'", BaseDocument)
            await fill(notes, [note("a")])

            assert await ids(notes) == ["a"]
        assert f"{prefix}x" in tables(sql, prefix)


class TestIsolation:
    async def test_that_prefixes_do_not_see_one_another(
        self, make_database: MakeDatabase, prefix: str
    ) -> None:
        async with make_database(f"{prefix}one_") as one, make_database(f"{prefix}two_") as two:
            ours = await one.create_collection("notes", BaseDocument)
            theirs = await two.create_collection("notes", BaseDocument)
            await fill(ours, [note("a", name="ours")])
            await fill(theirs, [note("a", name="theirs"), note("b")])

            await ours.delete_one(EVERYTHING)
            assert await ids(theirs) == ["a", "b"]

            await one.delete_collection("notes")
            assert await ids(theirs) == ["a", "b"]
            with pytest.raises(CollectionNotFoundError):
                await one.get_collection("notes", BaseDocument, identity_loader)

    async def test_that_a_table_of_the_users_is_neither_read_nor_changed(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        orders = f"{prefix}orders"
        sql.execute(on("create table {} (id int primary key, data text)", orders))
        sql.execute(on("insert into {} values (1, 'dear')", orders))
        sql.execute(on("grant all on {} to service_role", orders))

        async with make_database() as database:
            with pytest.raises(TableNotOursError, match="not a table of parlant-supabase"):
                await database.get_or_create_collection("orders", BaseDocument, identity_loader)
            with pytest.raises(TableNotOursError):
                await database.create_collection("orders", BaseDocument)
            with pytest.raises(CollectionNotFoundError):
                await database.get_collection("orders", BaseDocument, identity_loader)
            with pytest.raises(CollectionNotFoundError):
                await database.delete_collection("orders")

        assert tables(sql, prefix) == [orders]
        assert sql.execute(on("select * from {}", orders)).fetchall() == [(1, "dear")]

    async def test_that_a_view_is_no_table(
        self, make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
    ) -> None:
        sql.execute(
            on(
                "create view {} with (security_invoker) as select ''::text as id,"
                " ''::text as version, ''::text as creation_utc, ''::text as session_id,"
                " ''::text as customer_id, ''::text as agent_id, jsonb_build_object() as data",
                f"{prefix}notes",
            )
        )
        async with make_database() as database:
            with pytest.raises(TableNotOursError):
                await database.create_collection("notes", BaseDocument)

    @pytest.mark.parametrize(
        ("table_prefix", "collection"),
        [
            ("auth.", "users"),
            ('auth"."', "users"),
            ("auth", "users"),
            ("parlant_internal.", "collections"),
            ("pg_catalog.", "pg_authid"),
        ],
    )
    async def test_that_no_name_leads_into_another_schema(
        self,
        make_database: MakeDatabase,
        sql: psycopg.Connection,
        table_prefix: str,
        collection: str,
    ) -> None:
        async with make_database(table_prefix) as database:
            with pytest.raises(CollectionNotFoundError):
                await database.get_collection(collection, BaseDocument, identity_loader)

            notes = await database.create_collection(collection, BaseDocument)
            assert await ids(notes) == []
            assert table_prefix + collection in tables(sql, table_prefix)
            await database.delete_collection(collection)

        sql.execute(on("drop table {}", f"{table_prefix}{collection}_failed_migrations"))
        assert sql.execute("select to_regclass('auth.users') is not null").fetchone() == (True,)

    async def test_that_two_stores_on_one_database_are_refused(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        # Each store keeps its version in a collection called metadata; one would read the other's.
        async with CustomerDocumentStore(IdGenerator(), database, allow_migration=True):
            with pytest.raises(
                ConfigurationError, match="CustomerDocumentStore and ContextVariable"
            ):
                async with ContextVariableDocumentStore(IdGenerator(), database, True):
                    pass

    async def test_that_one_store_may_be_opened_again(
        self, database: SupabaseDocumentDatabase
    ) -> None:
        for _ in range(2):
            async with CustomerDocumentStore(IdGenerator(), database) as customers:
                await customers.create_customer("Ann")


async def test_that_tables_can_be_told_apart_in_the_dashboard(
    database: SupabaseDocumentDatabase, prefix: str, sql: psycopg.Connection
) -> None:
    notes = await database.create_collection("notes", BaseDocument)
    await fill(notes, [note("a", session_id="s", customer_id="c", agent_id="g")])
    table = f"{prefix}notes"

    row = sql.execute(
        on("select id, version, creation_utc, session_id, customer_id, agent_id from {}", table)
    ).fetchone()
    comment = sql.execute(
        "select obj_description(to_regclass(%s))", (f"public.{table}",)
    ).fetchone()

    assert row == ("a", "1.0.0", note("a")["creation_utc"], "s", "c", "g")
    assert comment == (f"Parlant collection notes, prefix {prefix}. Written by parlant-supabase.",)
