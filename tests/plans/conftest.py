"""A hundred thousand events, and what belongs to them, as Parlant's stores keep them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
import psycopg
import pytest
import pytest_asyncio
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from psycopg.sql import SQL
from supabase import AsyncClientOptions, acreate_client

from tests.plans.plan import Explainer
from tests.tables import on

PREFIX = "plans_"
SESSIONS, EVENTS_PER_SESSION = 1_000, 100
CUSTOMERS, TAGS_PER_CUSTOMER = 5_000, 2
VARIABLES, TAGS_PER_VARIABLE, VALUES_PER_VARIABLE = 1_000, 2, 15
UNTAGGED = 100
TAGS = 997

Call = tuple[str, dict[str, Any]]

# {table below the prefix: the documents in it}
_ROWS = {
    "sessions_": """
        select jsonb_build_object(
            'id', 's' || n, 'version', '0.9.0', 'creation_utc', pg_temp.moment(n),
            'customer_id', 'c' || n %% 500, 'agent_id', 'a' || n %% 50, 'mode', 'auto',
            'title', null, 'consumption_offsets', jsonb_build_object('client', 0),
            'agent_states', jsonb_build_array(), 'metadata', jsonb_build_object(),
            'labels', jsonb_build_array())
        from generate_series(0, %(sessions)s - 1) as n
    """,
    # Sessions overlap in time, as they do in life.
    "sessions_events": """
        select jsonb_build_object(
            'id', 'e' || n, 'version', '0.9.0', 'creation_utc', pg_temp.moment(n),
            'session_id', 's' || n %% %(sessions)s, 'offset', n / %(sessions)s,
            'source', (array['customer', 'ai_agent', 'system'])[1 + n %% 3],
            'kind', (array['message', 'status', 'tool', 'custom'])[1 + n %% 4],
            'trace_id', 't' || n / 4, 'metadata', null, 'deleted', n %% 50 = 0,
            'data', jsonb_build_object('message', 'Where is my order? ' || md5(n::text)))
        from generate_series(0, %(sessions)s * %(events_per_session)s - 1) as n
    """,
    "customers_": """
        select jsonb_build_object(
            'id', 'c' || n, 'version', '0.1.0', 'creation_utc', pg_temp.moment(n),
            'name', 'Customer ' || n, 'extra', jsonb_build_object())
        from generate_series(0, %(customers)s - 1) as n
    """,
    "customers_customer_tag_associations": """
        select jsonb_build_object(
            'id', 't' || n, 'version', '0.1.0', 'creation_utc', pg_temp.moment(n),
            'customer_id', 'c' || n %% (%(customers)s - %(untagged)s),
            'tag_id', 'tag' || n %% %(tags)s)
        from generate_series(
            0, (%(customers)s - %(untagged)s) * %(tags_per_customer)s - 1) as n
    """,
    "context_variables_": """
        select jsonb_build_object(
            'id', 'v' || n, 'version', '0.3.0', 'creation_utc', pg_temp.moment(n),
            'name', 'Variable ' || n, 'description', null, 'tool_id', null,
            'freshness_rules', null)
        from generate_series(0, %(variables)s - 1) as n
    """,
    "context_variables_variable_tag_associations": """
        select jsonb_build_object(
            'id', 't' || n, 'version', '0.3.0', 'creation_utc', pg_temp.moment(n),
            'variable_id', 'v' || n %% (%(variables)s - %(untagged)s),
            'tag_id', 'tag' || n %% %(tags)s)
        from generate_series(
            0, (%(variables)s - %(untagged)s) * %(tags_per_variable)s - 1) as n
    """,
    "context_variables_values": """
        select jsonb_build_object(
            'id', 'x' || n, 'version', '0.3.0', 'creation_utc', pg_temp.moment(n),
            'last_modified', pg_temp.moment(n), 'variable_id', 'v' || n %% %(variables)s,
            'key', 'c' || n / %(variables)s, 'data', n)
        from generate_series(0, %(variables)s * %(values_per_variable)s - 1) as n
    """,
}
_NUMBERS = {
    "sessions": SESSIONS,
    "events_per_session": EVENTS_PER_SESSION,
    "customers": CUSTOMERS,
    "tags_per_customer": TAGS_PER_CUSTOMER,
    "variables": VARIABLES,
    "tags_per_variable": TAGS_PER_VARIABLE,
    "values_per_variable": VALUES_PER_VARIABLE,
    "untagged": UNTAGGED,
    "tags": TAGS,
}


def tagged(owners: int, tags_per_owner: int, *tags: int) -> set[int]:
    """Which of the owners have one of the tags."""
    with_tags = owners - UNTAGGED
    return {n % with_tags for n in range(with_tags * tags_per_owner) if n % TAGS in tags}


@dataclass
class Stores:
    """Parlant's stores, and the requests that they send."""

    sessions: SessionDocumentStore
    customers: CustomerDocumentStore
    variables: ContextVariableDocumentStore
    requests: list[Call]


@asynccontextmanager
async def open_stores(stack: LocalStack) -> AsyncIterator[Stores]:
    requests: list[Call] = []

    async def record(request: httpx.Request) -> None:
        requests.append((request.url.path.rpartition("/")[2], json.loads(request.content)))

    async with AsyncExitStack() as exits:
        http = await exits.enter_async_context(
            httpx.AsyncClient(event_hooks={"request": [record]}, timeout=60)
        )
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        client = await acreate_client(stack.url, stack.service_role_key, options)
        logger = TracingLogger(LocalTracer(), LogLevel.WARNING, logger_id="plans")

        async def database(ending: str) -> SupabaseDocumentDatabase:
            return await exits.enter_async_context(
                SupabaseDocumentDatabase(logger, client=client, table_prefix=PREFIX + ending)
            )

        ids = IdGenerator()
        yield Stores(
            await exits.enter_async_context(SessionDocumentStore(await database("sessions_"))),
            await exits.enter_async_context(
                CustomerDocumentStore(ids, await database("customers_"))
            ),
            await exits.enter_async_context(
                ContextVariableDocumentStore(ids, await database("context_variables_"))
            ),
            requests,
        )


@pytest.fixture(scope="session")
def filled(stack: LocalStack) -> LocalStack:
    """The stack, with tables that the stores made, filled and analyzed."""

    async def make_tables() -> None:
        async with open_stores(stack):
            pass

    asyncio.run(make_tables())
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute(
            "create function pg_temp.moment(n integer) returns text language sql as $$"
            " select to_char(timestamp '2026-01-01' + n * interval '1 second',"
            """ 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') $$"""
        )
        for table, documents in _ROWS.items():
            insert = on("insert into {} (data)", PREFIX + table) + SQL(documents)
            # The numbers are bound by the client, as Postgres could not tell their types.
            psycopg.ClientCursor(connection).execute(insert, _NUMBERS)
            connection.execute(on("analyze {}", PREFIX + table))
    return stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(filled: LocalStack) -> AsyncIterator[Stores]:
    async with open_stores(filled) as stores:
        yield stores


@pytest.fixture
def stores(opened: Stores) -> Stores:
    opened.requests.clear()
    return opened


@pytest.fixture(scope="session")
def explainer(filled: LocalStack) -> Iterator[Explainer]:
    with psycopg.connect(filled.admin_url, autocommit=True) as connection:
        yield Explainer(connection, PREFIX)


@pytest.fixture(scope="session")
def explain(explainer: Explainer) -> Callable[..., Any]:
    return cast(Callable[..., Any], explainer.execute)
