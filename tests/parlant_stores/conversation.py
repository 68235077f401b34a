"""A process that writes a conversation through the three stores, or reads it.

    python conversation.py write|read URL PREFIX < key

Prints what it wrote or read, in the same form.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pprint import pprint
from typing import Any

from parlant.core.agents import AgentId
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.sessions import EventKind, EventSource, SessionDocumentStore
from parlant.core.tags import TagId
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase

Stores = tuple[SessionDocumentStore, CustomerDocumentStore, ContextVariableDocumentStore]


@asynccontextmanager
async def open_stores(url: str, key: str, prefix: str) -> AsyncIterator[Stores]:
    logger = TracingLogger(LocalTracer(), LogLevel.WARNING)
    ids = IdGenerator()

    def database(ending: str) -> SupabaseDocumentDatabase:
        connection = {"url": url, "key": key}
        return SupabaseDocumentDatabase(logger, connection, table_prefix=prefix + ending)

    async with (
        database("sessions_") as session_database,
        database("customers_") as customer_database,
        database("context_variables_") as variable_database,
        SessionDocumentStore(session_database) as sessions,
        CustomerDocumentStore(ids, customer_database) as customers,
        ContextVariableDocumentStore(ids, variable_database) as variables,
    ):
        yield sessions, customers, variables


async def write(stores: Stores) -> None:
    sessions, customers, variables = stores
    ann = await customers.create_customer("Ann", {"plan": "pro"}, tags=[TagId("vip")])
    plan = await variables.create_variable("plan", "What Ann pays for", tags=[TagId("vip")])
    await variables.update_value(plan.id, ann.id, {"name": "pro", "seats": 3.0})
    session = await sessions.create_session(
        ann.id, AgentId("support"), title="Parcel", metadata={"a": [1, None]}, labels={"urgent"}
    )
    for number in range(12):
        source = (EventSource.CUSTOMER, EventSource.AI_AGENT)[number % 2]
        data: Any = {"message": f"Message {number}, 😀", "participant": {"display_name": "Ann"}}
        await sessions.create_event(session.id, source, EventKind.MESSAGE, f"t{number}", data)
    events = await sessions.list_events(session.id)
    await sessions.delete_event(events[5].id)


async def read(stores: Stores) -> Any:
    sessions, customers, variables = stores
    everyone = list(await customers.list_customers())[1:]
    everything = await variables.list_variables()
    listed = await sessions.list_sessions()
    return {
        "customers": everyone,
        "variables": everything,
        "values": [await variables.list_values(variable.id) for variable in everything],
        "sessions": [(session, sorted(session.labels)) for session in listed],
        "events": [
            await sessions.list_events(session.id, exclude_deleted=False) for session in listed
        ],
    }


async def main() -> None:
    task, url, prefix = sys.argv[1:]
    async with open_stores(url, sys.stdin.readline().strip(), prefix) as stores:
        if task == "write":
            await write(stores)
        pprint(await read(stores), width=120)


if __name__ == "__main__":
    asyncio.run(main())
