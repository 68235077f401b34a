"""What was stored is there after a restart, and an application may do at each start what it did."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant.core.common import IdGenerator, Version
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore, CustomerId
from parlant.core.persistence.common import MigrationRequired, ServerOutdated
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tags import TagId
from parlant_supabase import DuplicateDocumentError, SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack

from tests.tables import on

MakeDatabase = Callable[..., SupabaseDocumentDatabase]


def run_conversation(task: str, stack: LocalStack, prefix: str) -> str:
    """What a process of its own wrote or read."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.parlant_stores.conversation", task, stack.url, prefix],
        input=f"{stack.service_role_key}\n",
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_that_one_process_reads_what_another_wrote(stack: LocalStack, prefix: str) -> None:
    written = run_conversation("write", stack, prefix)

    assert "Message 11, 😀" in written
    assert run_conversation("read", stack, prefix) == written


async def start_application(
    make_database: MakeDatabase, prefix: str
) -> tuple[list[str], list[str], list[str]]:
    """What an application's start-up block does; returns what is stored then.

    Parlant makes ids from content and counts them per process, so each start makes the same ones.
    """
    async with AsyncExitStack() as exits:
        ids = IdGenerator()

        async def database(ending: str) -> SupabaseDocumentDatabase:
            return await exits.enter_async_context(make_database(prefix + ending))

        customers = await exits.enter_async_context(
            CustomerDocumentStore(ids, await database("customers_"))
        )
        variables = await exits.enter_async_context(
            ContextVariableDocumentStore(ids, await database("context_variables_"))
        )
        vip = TagId("vip")
        await variables.create_variable("plan", description="What they pay for", tags=[vip])
        ann = await customers.create_customer("Ann", {"plan": "pro"}, tags=[vip])
        await customers.upsert_tag(ann.id, vip)
        return (
            [variable.name for variable in await variables.list_variables()],
            [customer.name for customer in await customers.list_customers()],
            [tag for customer in await customers.list_customers() for tag in customer.tags],
        )


async def test_that_an_application_can_create_the_same_at_every_start(
    make_database: MakeDatabase, prefix: str
) -> None:
    starts = [await start_application(make_database, prefix) for _ in range(3)]

    assert starts == [(["plan"], ["Guest", "Ann"], ["vip"])] * 3


async def test_that_creating_what_was_changed_since_is_an_error_and_overwrites_nothing(
    make_database: MakeDatabase, prefix: str
) -> None:
    async with make_database(f"{prefix}customers_") as database:
        async with CustomerDocumentStore(IdGenerator(), database) as customers:
            ann = await customers.create_customer("Ann")
            await customers.upsert_extra(ann.id, {"plan": "pro"})

        async with CustomerDocumentStore(IdGenerator(), database) as customers:
            with pytest.raises(DuplicateDocumentError, match="Nothing was overwritten"):
                await customers.create_customer("Ann")

            assert (await customers.read_customer(ann.id)).extra == {"plan": "pro"}


async def test_that_a_store_opened_often_stays_one_store(
    make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
) -> None:
    for _ in range(3):
        async with (
            make_database(f"{prefix}sessions_") as database,
            SessionDocumentStore(database) as sessions,
        ):
            assert (await sessions.list_sessions()).total_count == 0

    (metadata,) = sql.execute(
        on("select data ->> 'version' from {}", f"{prefix}sessions_metadata")
    ).fetchall()
    assert metadata == (SessionDocumentStore.VERSION.to_string(),)
    indexes = sql.execute(
        "select count(*) from pg_indexes where tablename = %s", (f"{prefix}sessions_events",)
    ).fetchone()
    # Those of every table, the default one, and the two that the store asks for.
    assert indexes == (3 + 1 + 2,)


class OlderStore(CustomerDocumentStore):
    VERSION = Version.from_string("0.0.9")


class NewerStore(CustomerDocumentStore):
    VERSION = Version.from_string("9.0.0")


async def test_that_a_store_of_an_older_version_asks_for_leave_to_migrate(
    make_database: MakeDatabase,
) -> None:
    async with make_database() as database, OlderStore(IdGenerator(), database):
        pass
    async with make_database() as database:
        with pytest.raises(MigrationRequired, match="Migration required for CustomerDocumentStore"):
            async with CustomerDocumentStore(IdGenerator(), database):
                pass

        async with CustomerDocumentStore(IdGenerator(), database, allow_migration=True):
            pass
        async with CustomerDocumentStore(IdGenerator(), database):
            pass


async def test_that_a_store_of_a_newer_version_is_left_alone(make_database: MakeDatabase) -> None:
    async with make_database() as database, NewerStore(IdGenerator(), database):
        pass
    async with make_database() as database:
        with pytest.raises(ServerOutdated):
            async with CustomerDocumentStore(IdGenerator(), database, allow_migration=True):
                pass


async def test_that_what_a_migration_left_undone_is_done_by_the_next(
    make_database: MakeDatabase, prefix: str, sql: psycopg.Connection
) -> None:
    class Interrupted(CustomerDocumentStore):
        async def _document_loader(self, doc: Any) -> Any:
            if doc["id"] == "c3":
                raise asyncio.CancelledError
            return {**doc, "version": "0.1.0"}

    class Migrating(CustomerDocumentStore):
        async def _document_loader(self, doc: Any) -> Any:
            return {**doc, "version": "0.1.0"}

    async with make_database() as database, OlderStore(IdGenerator(), database) as customers:
        for number in range(5):
            await customers.create_customer(f"Customer {number}", id=CustomerId(f"c{number}"))
    async with make_database() as database:
        with pytest.raises(asyncio.CancelledError):
            await Interrupted(IdGenerator(), database, allow_migration=True).__aenter__()
    # Its version is written last, so the next one knows that there is something to do.
    async with make_database() as database:
        with pytest.raises(MigrationRequired):
            await Migrating(IdGenerator(), database).__aenter__()
        async with Migrating(IdGenerator(), database, allow_migration=True) as migrated:
            assert (await migrated.list_customers()).total_count == 6

    versions = sql.execute(on("select distinct version from {}", f"{prefix}customers")).fetchall()
    assert versions == [("0.1.0",)]
