"""Writes with our stores what Parlant's own then read; run by the Python that has the wheel."""

from __future__ import annotations

import asyncio

import parlant_supabase
from parlant.adapters.db.supabase_db import SupabaseDocumentDatabase
from parlant.core.agents import AgentId
from parlant.core.common import IdGenerator
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.sessions import EventKind, EventSource, SessionDocumentStore
from parlant.core.tracer import LocalTracer
from parlant_supabase.stores import supabase_stores


async def main() -> None:
    async with supabase_stores() as stores:
        customer = await stores["customer_store"].create_customer(name="Ann")
        sessions = stores["session_store"]
        session = await sessions.create_session(customer.id, AgentId("installed"))
        for text in ("Hello", "Is anybody there?"):
            await sessions.create_event(
                session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "trace", {"message": text}
            )

    logger = TracingLogger(LocalTracer(), LogLevel.INFO)
    async with (
        SupabaseDocumentDatabase(logger, table_prefix="parlant_customers_") as customers_database,
        SupabaseDocumentDatabase(logger, table_prefix="parlant_sessions_") as sessions_database,
        CustomerDocumentStore(IdGenerator(), customers_database) as customers,
        SessionDocumentStore(sessions_database) as read_sessions,
    ):
        assert (await customers.read_customer(customer.id)).name == "Ann"
        events = await read_sessions.list_events(session.id)
        assert [event.data for event in events] == [
            {"message": "Hello"},
            {"message": "Is anybody there?"},
        ]
    print(parlant_supabase.__file__)


if __name__ == "__main__":
    asyncio.run(main())
