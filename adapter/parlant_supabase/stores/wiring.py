"""The three stores, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypedDict

from parlant.core.common import IdGenerator
from parlant.core.loggers import Logger, LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer

from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.stores.context_variable_store import SupabaseContextVariableStore
from parlant_supabase.stores.customer_store import SupabaseCustomerStore
from parlant_supabase.stores.ids import RandomIdGenerator
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.transport import SupabaseClient


class SupabaseStores(TypedDict):
    """Stores by the names of the parameters of Parlant's `Server`."""

    session_store: SupabaseSessionStore
    customer_store: SupabaseCustomerStore
    variable_store: SupabaseContextVariableStore


@asynccontextmanager
async def supabase_stores(
    connection_params: Mapping[str, Any] | None = None,
    *,
    session_prefix: str = "parlant_sessions_",
    customer_prefix: str = "parlant_customers_",
    variable_prefix: str = "parlant_context_variables_",
    customer_id_generator: IdGenerator | None = None,
    allow_migration: bool = True,
    logger: Logger | None = None,
    client: SupabaseClient | None = None,
    timeout: float = 60.0,
) -> AsyncIterator[SupabaseStores]:
    """Stores that keep sessions, customers and context variables in a Supabase project.

        import asyncio
        import parlant.sdk as p
        from parlant_supabase.stores import supabase_stores

        async def main() -> None:
            async with supabase_stores() as stores, p.Server(**stores) as server:
                await server.create_agent(name="Support", description="Helps.", id="support")

        asyncio.run(main())

    Args:
        connection_params: `url`, `key` and `schema` of the project; what is missing is taken from
            SUPABASE_URL, SUPABASE_KEY and SUPABASE_SCHEMA.
        session_prefix: What the names of the tables of sessions and events begin with.
        customer_prefix: The same for customers and their tags.
        variable_prefix: The same for context variables, their tags and values.
        customer_id_generator: Makes the ids of customers; by default random ones, so that two
            people of the same name are two.
        allow_migration: Whether documents of an older version of Parlant are brought to this one's.
        logger: Hears of migrated and failed documents; by default the Python logger
            `parlant_supabase`.
        client: A `supabase.AsyncClient` to use instead of one made from the connection parameters.
        timeout: Seconds that one call may take.

    Raises:
        ConfigurationError: A setting is missing or cannot be right.
        MigrationRequired: Documents are of an older version, and `allow_migration` is False.
        ServerOutdated: Documents are of a newer version of Parlant than the one that runs.
        SupabaseAdapterError: The project cannot be used; the class says why.
    """
    logger = logger or TracingLogger(LocalTracer(), LogLevel.INFO, logger_id="parlant_supabase")
    async with AsyncExitStack() as stack:

        async def open_database(prefix: str) -> SupabaseDocumentDatabase:
            return await stack.enter_async_context(
                SupabaseDocumentDatabase(
                    logger, connection_params, table_prefix=prefix, client=client, timeout=timeout
                )
            )

        yield SupabaseStores(
            session_store=await stack.enter_async_context(
                SupabaseSessionStore(await open_database(session_prefix), allow_migration)
            ),
            customer_store=await stack.enter_async_context(
                SupabaseCustomerStore(
                    customer_id_generator or RandomIdGenerator(),
                    await open_database(customer_prefix),
                    allow_migration,
                )
            ),
            variable_store=await stack.enter_async_context(
                SupabaseContextVariableStore(
                    IdGenerator(), await open_database(variable_prefix), allow_migration
                )
            ),
        )
