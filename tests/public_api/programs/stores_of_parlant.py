"""Parlant's own stores, on one database with a prefix for each."""

import asyncio

import parlant.sdk as p
from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.sessions import SessionDocumentStore
from parlant.core.tracer import LocalTracer
from parlant_supabase.stores import RandomIdGenerator


async def main() -> None:
    logger = TracingLogger(LocalTracer(), LogLevel.INFO)
    async with (
        SupabaseDocumentDatabase(logger, table_prefix="parlant_sessions_") as database,
        SessionDocumentStore(database, allow_migration=True) as sessions,
        CustomerDocumentStore(
            RandomIdGenerator(), database.with_prefix("parlant_customers_"), allow_migration=True
        ) as customers,
        ContextVariableDocumentStore(
            IdGenerator(),
            database.with_prefix("parlant_context_variables_"),
            allow_migration=True,
        ) as variables,
        p.Server(
            session_store=sessions, customer_store=customers, variable_store=variables
        ) as server,
    ):
        await server.create_agent(name="My Agent", description="Remembers.", id="my-agent")


if __name__ == "__main__":
    asyncio.run(main())
