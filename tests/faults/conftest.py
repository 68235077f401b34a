"""A proxy that breaks requests, and databases that reach the stack through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import httpx
import psycopg
import psycopg.sql
import pytest
from parlant.core.loggers import TracingLogger
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.database import connection_of
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc import retry
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from tests.adapter.notes import Notes
from tests.faults.fault_proxy import FaultProxy

Connect: TypeAlias = Callable[..., SupabaseDocumentDatabase]


@pytest.fixture
async def proxy(stack: LocalStack) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the shared stack's gateway."""
    async with FaultProxy(stack.url) as proxy:
        yield proxy


@asynccontextmanager
async def given_client(url: str, key: str, **options: Any) -> AsyncIterator[AsyncClient]:
    """A client as a user may make one: httpx's own settings, which are not the adapter's."""
    async with httpx.AsyncClient(**options) as http:
        yield await acreate_client(url, key, AsyncClientOptions(httpx_client=http))


BOTH_CLIENTS = pytest.mark.parametrize("connect", ["own client", "given client"], indirect=True)
"""Runs a test twice: with the client that the adapter makes and with one of the user's."""


@pytest.fixture
async def connect(
    request: pytest.FixtureRequest,
    stack: LocalStack,
    proxy: FaultProxy,
    prefix: str,
    logger: TracingLogger,
) -> AsyncIterator[Connect]:
    """Makes a database, not entered yet, that reaches the stack through the proxy."""
    async with AsyncExitStack() as clients:
        client = None
        if getattr(request, "param", "own client") == "given client":
            client = await clients.enter_async_context(
                given_client(proxy.url, stack.service_role_key, timeout=60, verify=False)
            )

        def make(timeout: float = 60) -> SupabaseDocumentDatabase:
            return SupabaseDocumentDatabase(
                logger,
                None if client else {"url": proxy.url, "key": stack.service_role_key},
                table_prefix=prefix,
                client=client,
                timeout=timeout,
            )

        yield make


def give(database: SupabaseDocumentDatabase, seconds: float) -> None:
    """Lets a call take that long from now on.

    What a test needs beforehand has the usual time, however slow the machine.
    """
    connection_of(database).rpc.timeout = seconds


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes giving up quick; how long the pauses are is a test of its own."""
    monkeypatch.setattr(retry, "_LONGEST_PAUSE", 0.001)


async def open_notes(database: SupabaseDocumentDatabase) -> Notes:
    """The collection that the tests write to; its table is called `<prefix>notes`."""
    return await database.get_or_create_collection("notes", BaseDocument, identity_loader)


def stored(connection: psycopg.Connection, table: str) -> list[dict[str, Any]]:
    """The documents in a table, ordered by id, read behind the adapter's back."""
    query = psycopg.sql.SQL("select data from public.{} order by id")
    return [
        data
        for (data,) in connection.execute(query.format(psycopg.sql.Identifier(table))).fetchall()
    ]
