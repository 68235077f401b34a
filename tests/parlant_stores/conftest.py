"""Parlant's three stores, on its own Transient database and on ours: the same laws hold on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psycopg
import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.document_database import DocumentDatabase
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from parlant_supabase.store_layout import METADATA, STORES

from tests.tables import on


@dataclass
class Stores:
    sessions: SessionDocumentStore
    customers: CustomerDocumentStore
    variables: ContextVariableDocumentStore


@pytest.fixture(scope="session")
def store_tables(stack: LocalStack) -> list[str]:
    """Tables for three stores under the prefix `stores_`; making them for each test is slow."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        for store in STORES:
            for collection in (METADATA, *store.collections):
                connection.execute(
                    "select public.parlant_create_collection(%s, %s)",
                    (store.prefix_under("stores_"), collection),
                )
        rows = connection.execute(
            "select table_name from parlant_internal.collections"
            " where starts_with(prefix, 'stores_')"
        )
        return [name for (name,) in rows]


@pytest.fixture
def empty_tables(store_tables: list[str], sql: psycopg.Connection) -> None:
    sql.execute(on(f"truncate {', '.join('{}' for _ in store_tables)}", *store_tables))


@pytest.fixture(params=["transient", "supabase"])
async def stores(
    request: pytest.FixtureRequest,
    empty_tables: None,
    make_database: Callable[..., SupabaseDocumentDatabase],
) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as stack:

        async def database(ending: str) -> DocumentDatabase:
            if request.param == "transient":
                return TransientDocumentDatabase()
            return await stack.enter_async_context(make_database(f"stores_{ending}"))

        # Ids are made from content and counted per generator, so both backends give the same ones.
        ids = IdGenerator()
        yield Stores(
            await stack.enter_async_context(SessionDocumentStore(await database("sessions_"))),
            await stack.enter_async_context(
                CustomerDocumentStore(ids, await database("customers_"))
            ),
            await stack.enter_async_context(
                ContextVariableDocumentStore(ids, await database("context_variables_"))
            ),
        )


@pytest.fixture
def sessions(stores: Stores) -> SessionDocumentStore:
    return stores.sessions


@pytest.fixture
def customers(stores: Stores) -> CustomerDocumentStore:
    return stores.customers


@pytest.fixture
def variables(stores: Stores) -> ContextVariableDocumentStore:
    return stores.variables
