"""The quick start that users of the earlier adapter were given, line by line as they have it."""

# It is theirs, not checked as ours is.
# mypy: ignore-errors

import asyncio
from contextlib import AsyncExitStack

import parlant.sdk as p
from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase
from parlant.core.emission.event_publisher import EventPublisherFactory

EXIT_STACK = AsyncExitStack()


async def configure_container(container: p.Container) -> p.Container:
    container = container.clone()

    # Create Supabase database instances for each store
    session_db = await EXIT_STACK.enter_async_context(
        SupabaseDocumentDatabase(
            logger=container[p.Logger],
            table_prefix="parlant_sessions_",
        )
    )

    customer_db = await EXIT_STACK.enter_async_context(
        SupabaseDocumentDatabase(
            logger=container[p.Logger],
            table_prefix="parlant_customers_",
        )
    )

    variable_db = await EXIT_STACK.enter_async_context(
        SupabaseDocumentDatabase(
            logger=container[p.Logger],
            table_prefix="parlant_context_variables_",
        )
    )

    # Configure stores using Supabase databases
    session_store = await EXIT_STACK.enter_async_context(
        p.SessionDocumentStore(database=session_db, allow_migration=True)
    )
    container[p.SessionDocumentStore] = session_store
    container[p.SessionStore] = session_store

    customer_store = await EXIT_STACK.enter_async_context(
        p.CustomerDocumentStore(
            id_generator=container[p.IdGenerator],
            database=customer_db,
            allow_migration=True,
        )
    )
    container[p.CustomerDocumentStore] = customer_store
    container[p.CustomerStore] = customer_store

    variable_store = await EXIT_STACK.enter_async_context(
        p.ContextVariableDocumentStore(
            id_generator=container[p.IdGenerator],
            database=variable_db,
            allow_migration=True,
        )
    )
    container[p.ContextVariableDocumentStore] = variable_store
    container[p.ContextVariableStore] = variable_store

    # Configure event emitter to use session store
    container[p.EventEmitterFactory] = EventPublisherFactory(
        container[p.AgentStore],
        session_store,
    )

    return container


async def main() -> None:
    async with p.Server(configure_container=configure_container) as server:
        await server.create_agent(
            name="My Agent",
            description="Agent using Supabase for persistent storage",
        )


# All that was missing there.
asyncio.run(main())
