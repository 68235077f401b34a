"""A store opened either way, ours or Parlant's on the document database, sees the same data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from parlant.core.agents import AgentId
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore, CustomerId
from parlant.core.sessions import (
    AgentState,
    EventKind,
    EventSource,
    SessionDocumentStore,
)
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.stores import SupabaseStores

from tests.supabase_stores.conftest import OpenStores
from tests.tables import on

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
TAGS = [TagId("vip"), TagId("beta")]

Open = Callable[[AsyncExitStack], Awaitable[dict[str, Any]]]


@pytest.fixture
def ours(open_stores: OpenStores) -> Open:
    """Opens our stores."""

    async def open_ours(stack: AsyncExitStack) -> dict[str, Any]:
        return {**await stack.enter_async_context(open_stores())}

    return open_ours


@pytest.fixture
def parlants(make_database: Callable[..., SupabaseDocumentDatabase], prefix: str) -> Open:
    """Opens Parlant's stores on the same tables."""

    async def open_parlants(stack: AsyncExitStack) -> dict[str, Any]:
        async def database(part: str) -> SupabaseDocumentDatabase:
            return await stack.enter_async_context(make_database(table_prefix=f"{prefix}{part}_"))

        # Without allow_migration: ours have to leave nothing that looks like another version.
        return {
            "session_store": await stack.enter_async_context(
                SessionDocumentStore(await database("s"))
            ),
            "customer_store": await stack.enter_async_context(
                CustomerDocumentStore(IdGenerator(), await database("c"))
            ),
            "variable_store": await stack.enter_async_context(
                ContextVariableDocumentStore(IdGenerator(), await database("v"))
            ),
        }

    return open_parlants


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours writes", "parlant's writes"])
async def test_that_what_one_store_wrote_reads_the_same_in_the_other(
    ours: Open, parlants: Open, ours_first: bool
) -> None:
    writing, reading = (ours, parlants) if ours_first else (parlants, ours)
    async with AsyncExitStack() as stack:
        stores = await writing(stack)
        await write_everything(stores)
        written = await read_everything(stores)
    async with AsyncExitStack() as stack:
        assert await read_everything(await reading(stack)) == written

    assert all(written.values()), "there was something to read"


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours writes", "parlant's writes"])
async def test_that_one_store_goes_on_where_the_other_stopped(
    ours: Open, parlants: Open, ours_first: bool
) -> None:
    first, second = (ours, parlants) if ours_first else (parlants, ours)
    async with AsyncExitStack() as stack:
        await write_everything(await first(stack))
    async with AsyncExitStack() as stack:
        stores = await second(stack)
        sessions, customers, variables = stores.values()
        session = (await sessions.list_sessions()).items[0]
        event = await sessions.create_event(
            session.id, EventSource.AI_AGENT, EventKind.MESSAGE, "t", {"message": "more"}
        )
        await sessions.upsert_labels(session.id, {"second"})
        await customers.upsert_tag(CustomerId("bob"), TagId("second"))
        await customers.upsert_extra(CustomerId("bob"), {"second": "yes"})
        variable = (await variables.list_variables())[0]
        await variables.update_value(variable.id, "second", 2)
        await variables.remove_variable_tag(variable.id, TAGS[0])
    async with AsyncExitStack() as stack:
        sessions, customers, variables = (await first(stack)).values()

        assert event.offset == 3
        events = await sessions.list_events(session.id, exclude_deleted=False)
        assert [e.offset for e in events] == [0, 1, 2, 3]
        assert events[3] == event
        assert (await sessions.read_session(session.id)).labels == {"x", "y", "second"}
        bob = await customers.read_customer(CustomerId("bob"))
        assert (set(bob.tags), bob.extra) == ({*TAGS, "second"}, {"plan": "pro", "second": "yes"})
        assert (await variables.read_value(variable.id, "second")).data == 2
        assert (await variables.read_variable(variable.id)).tags == TAGS[1:]


async def test_that_both_keep_the_same_documents(
    ours: Open, parlants: Open, prefix: str, sql: psycopg.Connection
) -> None:
    async with AsyncExitStack() as stack:
        await write_everything(await ours(stack))
    written_by_ours = take_documents(sql, prefix)
    async with AsyncExitStack() as stack:
        await write_everything(await parlants(stack))
    written_by_parlants = take_documents(sql, prefix)

    assert written_by_ours == written_by_parlants
    assert len(written_by_ours) == 7
    assert all(written_by_ours.values()), "every collection holds documents"


async def write_everything(stores: SupabaseStores | dict[str, Any]) -> None:
    """Calls every method that writes at least once, and leaves documents of every kind."""
    sessions: Any = stores["session_store"]
    customers: Any = stores["customer_store"]
    variables: Any = stores["variable_store"]

    session = await sessions.create_session(
        CustomerId("bob"), AgentId("a"), LONG_AGO, "Title", "manual", {"k": [1.0, None]}, {"x"}
    )
    await sessions.create_session(CustomerId("guest"), AgentId("a"), LONG_AGO + timedelta(1))
    gone = await sessions.create_session(CustomerId("guest"), AgentId("a"))
    await sessions.update_session(
        session.id, {"title": "New", "agent_states": [AgentState("t", [], {})]}
    )
    await sessions.set_metadata(session.id, "float", 1e22)
    await sessions.unset_metadata(session.id, "k")
    await sessions.upsert_labels(session.id, {"y", "z"})
    await sessions.remove_labels(session.id, {"z"})
    for number, metadata in enumerate([{}, {"k": "v"}, {}]):
        event = await sessions.create_event(
            session.id,
            EventSource.CUSTOMER,
            EventKind.MESSAGE,
            "t",
            {"message": f"Zoë {number}", "huge": 1e22},
            metadata,
            LONG_AGO.replace(microsecond=0) + timedelta(hours=number),
        )
    await sessions.update_event(session.id, event.id, {"data": {"message": "changed"}})
    await sessions.update_event(session.id, event.id, {"metadata": {}})
    await sessions.delete_event(event.id)
    await sessions.create_event(gone.id, EventSource.SYSTEM, EventKind.STATUS, "t", {})
    await sessions.delete_session(gone.id)

    await customers.create_customer("Bob", {"plan": "pro"}, LONG_AGO, TAGS, CustomerId("bob"))
    ann = await customers.create_customer("Ann", creation_utc=LONG_AGO + timedelta(1))
    await customers.update_customer(ann.id, {"name": "Anna"})
    await customers.upsert_tag(ann.id, TAGS[0], LONG_AGO)
    await customers.upsert_tag(ann.id, TAGS[1], LONG_AGO)
    await customers.remove_tag(ann.id, TAGS[1])
    await customers.upsert_extra(ann.id, {"a": "1", "b": "2"})
    await customers.remove_extra(ann.id, ["a"])
    cid = await customers.create_customer("Cid")
    await customers.delete_customer(cid.id)

    plan = await variables.create_variable(
        "plan", "What they pay", LONG_AGO, ToolId("service", "tool"), "* * * * *", TAGS
    )
    city = await variables.create_variable("city", creation_utc=LONG_AGO + timedelta(1))
    await variables.update_variable(city.id, {"description": "Where", "freshness_rules": "@daily"})
    await variables.add_variable_tag(city.id, TAGS[0], LONG_AGO)
    await variables.update_value(plan.id, "bob", {"deep": [None, 1e22]})
    await variables.update_value(plan.id, "bob", ["changed"])
    await variables.update_value(plan.id, "ann", 1)
    await variables.delete_value(plan.id, "ann")
    age = await variables.create_variable("age", tags=TAGS)
    await variables.update_value(age.id, "DEFAULT", 1)
    await variables.delete_variable(age.id)


async def read_everything(stores: dict[str, Any]) -> dict[str, Any]:
    """What every method that reads returns."""
    sessions, customers, variables = (
        stores["session_store"],
        stores["customer_store"],
        stores["variable_store"],
    )
    listing = await sessions.list_sessions()
    events = [await sessions.list_events(s.id, exclude_deleted=False) for s in listing]
    all_customers = [c for c in (await customers.list_customers()).items if c.id != "guest"]
    all_variables = await variables.list_variables()
    return {
        "sessions": listing,
        "each session": [await sessions.read_session(s.id) for s in listing],
        "events": events,
        "each event": [await sessions.read_event(listing.items[0].id, e.id) for e in events[0]],
        "messages": await sessions.list_events(
            listing.items[0].id, EventSource.CUSTOMER, "t", [EventKind.MESSAGE], 1
        ),
        "labelled": (await sessions.list_sessions(labels={"x"})).items,
        "customers": all_customers,
        "each customer": [await customers.read_customer(c.id) for c in all_customers],
        "tagged customers": (await customers.list_customers(TAGS[1:])).items,
        "variables": all_variables,
        "each variable": [await variables.read_variable(v.id) for v in all_variables],
        "tagged variables": await variables.list_variables(TAGS[1:]),
        "values": [await variables.list_values(v.id) for v in all_variables],
        "a value": await variables.read_value(all_variables[0].id, "bob"),
    }


def take_documents(sql: psycopg.Connection, prefix: str) -> dict[str, list[Any]]:
    """The documents of each collection, which are taken out; ids and the present made equal."""
    tables = sql.execute(
        "select table_name::text, collection from parlant_internal.collections"
        " where starts_with(prefix, %s) and collection <> 'metadata'",
        (prefix,),
    ).fetchall()
    taken: dict[str, list[Any]] = {}
    ids: dict[str, str] = {}
    for table, collection in sorted(tables):
        rows = sql.execute(on("select data from {} order by creation_utc, seq", table)).fetchall()
        sql.execute(on("truncate {}", table))
        taken[collection] = [document for (document,) in rows]
        for number, (document,) in enumerate(rows):
            ids[document["id"]] = f"{collection} {number}"

    def without_chance(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: without_chance(v, k) for k, v in value.items()}
        if key in ("creation_utc", "last_modified"):
            moment = datetime.fromisoformat(value)
            assert moment.isoformat() == value, "times are written as Python writes them"
            return value if moment.year < 2020 else "now"
        if key == "labels":
            return sorted(value)
        return ids.get(value, value) if isinstance(value, str) else value

    return {
        collection: sorted(map(without_chance, documents), key=str)
        for collection, documents in taken.items()
    }
