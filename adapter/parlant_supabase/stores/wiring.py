"""The three stores, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypedDict

from parlant.core.common import IdGenerator
from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.tracer import Tracer

from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.errors import ConfigurationError
from parlant_supabase.parlant_internals import check_parlant
from parlant_supabase.rpc.telemetry import DefaultLogger
from parlant_supabase.rpc.transport import SupabaseClient
from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS
from parlant_supabase.stores.context_variable_store import SupabaseContextVariableStore
from parlant_supabase.stores.customer_store import SupabaseCustomerStore
from parlant_supabase.stores.ids import ContentIdGenerator, RandomIdGenerator
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.validation import check_prefix, check_type


class SupabaseStores(TypedDict):
    """Stores by the names of the parameters of Parlant's `Server`."""

    session_store: SupabaseSessionStore
    customer_store: SupabaseCustomerStore
    variable_store: SupabaseContextVariableStore


def supabase_stores(
    connection_params: Mapping[str, Any] | None = None,
    *,
    session_prefix: str = SESSIONS.table_prefix,
    customer_prefix: str = CUSTOMERS.table_prefix,
    variable_prefix: str = CONTEXT_VARIABLES.table_prefix,
    customer_id_generator: IdGenerator | None = None,
    allow_migration: bool = True,
    logger: Logger | None = None,
    tracer: Tracer | None = None,
    meter: Meter | None = None,
    client: SupabaseClient | None = None,
    timeout: float = 60.0,
    slow_call_seconds: float = 1.0,
) -> AbstractAsyncContextManager[SupabaseStores]:
    """Stores that keep sessions, customers and context variables in a Supabase project.

        import asyncio
        import parlant.sdk as p
        from parlant_supabase.stores import join_server, supabase_stores

        async def main() -> None:
            async with (
                supabase_stores() as stores,
                p.Server(**stores, configure_container=join_server) as server,
            ):
                await server.create_agent(name="Support", description="Helps.", id="support")

        asyncio.run(main())

    Args:
        connection_params: `url`, `key` and `schema` of the project; what is missing is taken from
            SUPABASE_URL, SUPABASE_KEY and SUPABASE_SCHEMA.
        session_prefix: What the names of the tables of sessions and events begin with.
        customer_prefix: The same for customers and their tags.
        variable_prefix: The same for context variables, their tags and values.
        customer_id_generator: Makes the ids of customers; by default a `RandomIdGenerator`, so that
            two people of the same name are two.
        allow_migration: Whether documents of an older version of Parlant are brought to this one's.
        logger: Hears of migrated and failed documents, repeated attempts, slow calls and lost
            outcomes, and never what is in a document. By default the Python logger
            `parlant_supabase`, and from `join_server` on the server's.
        tracer: Gets an event for every call, in the span of the caller; by default none, and from
            `join_server` on the server's.
        meter: Measures calls, requests, batches and repeated attempts; by default likewise.
        client: A `supabase.AsyncClient` to use instead of one made from the connection parameters.
        timeout: Seconds that one call may take.
        slow_call_seconds: How long a call may take before the logger hears of it.

    Raises:
        ConfigurationError: A setting is missing or an argument cannot be right. It is raised by
            this call, all others while the stores are opened.
        MigrationRequired: Documents are of an older version, and `allow_migration` is False.
        ServerOutdated: Documents are of a newer version of Parlant than the one that runs.
        SupabaseAdapterError: The project cannot be used; the class says why.
    """
    prefixes = {
        "session_prefix": session_prefix,
        "customer_prefix": customer_prefix,
        "variable_prefix": variable_prefix,
    }
    check_parlant()
    _check_prefixes(prefixes)
    if customer_id_generator is not None:
        check_type(
            "customer_id_generator",
            customer_id_generator,
            IdGenerator,
            "Pass RandomIdGenerator(), or leave it out.",
        )
    database = SupabaseDocumentDatabase(
        logger if logger is not None else DefaultLogger(tracer),
        connection_params,
        table_prefix=session_prefix,
        client=client,
        timeout=timeout,
        tracer=tracer,
        meter=meter,
        slow_call_seconds=slow_call_seconds,
    )
    return _opened(
        database,
        SupabaseSessionStore(database, allow_migration),
        SupabaseCustomerStore(
            customer_id_generator or RandomIdGenerator(),
            database.with_prefix(customer_prefix),
            allow_migration,
        ),
        SupabaseContextVariableStore(
            ContentIdGenerator(), database.with_prefix(variable_prefix), allow_migration
        ),
    )


@asynccontextmanager
async def _opened(
    database: SupabaseDocumentDatabase,
    sessions: SupabaseSessionStore,
    customers: SupabaseCustomerStore,
    variables: SupabaseContextVariableStore,
) -> AsyncIterator[SupabaseStores]:
    # The others' databases use its connections.
    async with database, sessions, customers, variables:
        yield SupabaseStores(
            session_store=sessions, customer_store=customers, variable_store=variables
        )


def _check_prefixes(prefixes: Mapping[str, str]) -> None:
    names: dict[str, str] = {}
    for name, prefix in prefixes.items():
        check_prefix(name, prefix)
        if other := names.get(prefix):
            raise ConfigurationError(
                f"{other} and {name} are both {prefix!r}. Every store keeps its version in a table "
                "of its own, so give each another prefix."
            )
        names[prefix] = name
