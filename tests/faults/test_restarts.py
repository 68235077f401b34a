"""Servers are killed and started again, with other keys or another schema; the adapter goes on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant.core.loggers import TracingLogger
from parlant_supabase import (
    AuthenticationError,
    NotDeployedError,
    SupabaseDocumentDatabase,
    UnreachableError,
    VersionMismatchError,
)
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from parlant_supabase.local.credentials import Credentials
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.database import ServiceName

from tests.adapter.notes import EVERYTHING, ids, note
from tests.deployed_version import deployed_version, set_deployed_version
from tests.faults.conftest import open_notes, stored
from tests.faults.fault_proxy import Exchange, FaultProxy
from tests.faults.ledger import ACKNOWLEDGED_WRITES, Ledger

KILLS = max(2, ACKNOWLEDGED_WRITES // 300)


class OwnStack:
    """A stack, fsync on, that the tests of this file may do anything to but leave it stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.stack = LocalStack.open(DataDirectory(path))
        self.stack.deploy(find_project())

    def start_with(self, credentials: Credentials) -> None:
        """Starts the stopped stack with these keys."""
        credentials.save(self._path / "credentials.json")
        self.stack = LocalStack.open(DataDirectory(self._path))

    @property
    def credentials(self) -> Credentials:
        return Credentials.load(self._path / "credentials.json")

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        """Runs a statement, and returns its rows."""
        with psycopg.connect(self.stack.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def own_stack() -> Iterator[OwnStack]:
    with tempfile.TemporaryDirectory(prefix="parlant-supabase-") as directory:
        path = Path(directory)
        path.chmod(0o711)
        own_stack = OwnStack(path / "stack")
        try:
            yield own_stack
        finally:
            own_stack.stack.close()


def database_on(
    own_stack: OwnStack, logger: TracingLogger, prefix: str, **params: Any
) -> SupabaseDocumentDatabase:
    connection = {"url": own_stack.stack.url, "key": own_stack.stack.service_role_key, **params}
    return SupabaseDocumentDatabase(logger, connection, table_prefix=prefix)


@pytest.mark.parametrize("service", ["postgrest", "gateway", "postgres"])
async def test_that_no_acknowledged_write_is_lost_when_a_server_is_killed(
    own_stack: OwnStack, logger: TracingLogger, prefix: str, service: ServiceName
) -> None:
    async with database_on(own_stack, logger, prefix) as database:
        ledger = Ledger(await open_notes(database), seed=3)
        done = asyncio.Event()

        async def kill_under_load() -> None:
            for _ in range(KILLS):
                await ledger.acknowledges(50)
                await asyncio.to_thread(own_stack.stack.restart, service, kill=True)
            await ledger.acknowledges(50)
            done.set()

        await asyncio.gather(ledger.write_until(done.is_set), kill_under_load())

    with psycopg.connect(own_stack.stack.database_url) as connection:
        ledger.check(stored(connection, f"{prefix}notes"))


@pytest.mark.parametrize("code", ["PGRST202", "42883"])
async def test_that_a_call_outlasts_a_deployment(
    own_stack: OwnStack, logger: TracingLogger, prefix: str, code: str
) -> None:
    hide = "alter function public.parlant_find rename to parlant_find_hidden"
    show = "alter function public.parlant_find_hidden rename to parlant_find"

    async def finish_the_deployment(exchange: Exchange) -> None:
        response = await exchange.forward()
        assert response.json()["code"] == code
        own_stack.sql(show)
        await asyncio.to_thread(own_stack.stack.reload_schema)
        await exchange.answer(response)

    async with (
        FaultProxy(own_stack.stack.url) as proxy,
        database_on(own_stack, logger, prefix, url=proxy.url) as database,
    ):
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        # PostgREST says 42883 as long as it does not know that the function has gone.
        own_stack.sql(hide)
        if code == "PGRST202":
            own_stack.stack.reload_schema()
        proxy.faults.append(finish_the_deployment)

        assert await ids(notes) == ["kept"]
        assert proxy.seen.count("parlant_find") == 2

        own_stack.sql(hide)
        with pytest.raises(NotDeployedError, match="&& npx supabase db push --remote`"):
            await notes.find(EVERYTHING)
        own_stack.sql(show)
        own_stack.stack.reload_schema()
        assert await ids(notes) == ["kept"]


@pytest.mark.parametrize("versions", [(0, 0), (9, 8)], ids=["older", "newer"])
async def test_that_a_database_of_another_version_is_opened_once_it_is_the_right_one(
    own_stack: OwnStack, logger: TracingLogger, prefix: str, versions: tuple[int, int]
) -> None:
    database = database_on(own_stack, logger, prefix)
    with psycopg.connect(own_stack.stack.database_url, autocommit=True) as sql:
        right = deployed_version(sql)
        set_deployed_version(sql, *versions)

        with pytest.raises(VersionMismatchError, match="Run `"):
            await database.__aenter__()

        set_deployed_version(sql, *right)
    async with database:
        await open_notes(database)


async def test_that_a_stopped_stack_and_changed_keys_are_said_clearly_and_survived(
    own_stack: OwnStack, logger: TracingLogger, prefix: str
) -> None:
    old = own_stack.credentials
    fresh = Credentials.generate()
    new = replace(
        old,
        jwt_secret=fresh.jwt_secret,
        anon_key=fresh.anon_key,
        service_role_key=fresh.service_role_key,
        publishable_key=fresh.publishable_key,
        secret_key=fresh.secret_key,
    )
    async with (
        database_on(own_stack, logger, prefix) as database,
        database_on(own_stack, logger, prefix, key=own_stack.stack.secret_key) as with_secret_key,
    ):
        notes = await open_notes(database)
        same_notes = await open_notes(with_secret_key)
        await notes.insert_one(note("kept"))

        await asyncio.to_thread(own_stack.stack.close)
        with pytest.raises(UnreachableError, match=r"nothing was sent.*Tried 8 times"):
            await notes.insert_one(note("unsent"))

        await asyncio.to_thread(own_stack.start_with, new)
        for collection in (notes, same_notes):
            with pytest.raises(AuthenticationError, match="Set SUPABASE_KEY"):
                await collection.find(EVERYTHING)
        async with database_on(own_stack, logger, prefix) as with_new_key:
            assert await ids(await open_notes(with_new_key)) == ["kept"]

        await asyncio.to_thread(own_stack.stack.close)
        await asyncio.to_thread(own_stack.start_with, old)
        for collection in (notes, same_notes):
            assert await ids(collection) == ["kept"]
