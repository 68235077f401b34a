"""A document that cannot be read takes no other with it, and the log names it once."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.sessions import EventId, EventKind, EventSource, SessionId
from parlant.core.tags import TagId
from parlant_supabase.stores import SupabaseStores
from psycopg.types.json import Jsonb

from tests.supabase_stores.conftest import OpenStores
from tests.tables import on

MISSING = object()

SESSION_DAMAGE = [
    ("agent_states", MISSING),
    ("agent_states", [{"correlation_id": "c"}]),
    ("agent_states", "none"),
    ("creation_utc", "yesterday"),
    ("creation_utc", None),
    ("consumption_offsets", None),
    ("title", 5),
    ("customer_id", MISSING),
    ("labels", 7),
]
EVENT_DAMAGE = [
    ("trace_id", MISSING),
    ("metadata", MISSING),
    ("metadata", "none"),
    ("source", "somebody"),
    ("kind", "letter"),
    ("kind", 4),
    ("offset", "seven"),
    ("offset", None),
    ("offset", True),
    ("offset", MISSING),
    ("creation_utc", "yesterday"),
    ("data", MISSING),
]
CUSTOMER_DAMAGE = [
    ("name", MISSING),
    ("name", 5),
    ("extra", []),
    ("extra", MISSING),
    ("creation_utc", "yesterday"),
]
VARIABLE_DAMAGE = [
    ("name", MISSING),
    ("name", None),
    ("tool_id", "without a colon"),
    ("tool_id", MISSING),
    ("freshness_rules", 5),
    ("creation_utc", 5),
]
VALUE_DAMAGE = [("data", MISSING), ("last_modified", "yesterday"), ("last_modified", MISSING)]


def damage(sql: psycopg.Connection, table: str, id: str, field: str, value: object) -> None:
    """What somebody, or another program, does to a row."""
    if value is MISSING:
        sql.execute(on("update {} set data = data - %s where id = %s", table), (field, id))
    else:
        change = Jsonb({field: value})
        sql.execute(on("update {} set data = data || %s where id = %s", table), (change, id))


def named(caplog: pytest.LogCaptureFixture, table: str, id: str) -> int:
    """How often the log names a document."""
    return sum(
        table in record.getMessage() and repr(id) in record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
    )


async def say(stores: SupabaseStores, session: SessionId, message: str) -> Any:
    return await stores["session_store"].create_event(
        session, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {"message": message}
    )


@pytest.mark.parametrize(("field", "value"), SESSION_DAMAGE)
async def test_that_a_session_takes_no_other_with_it(
    stores: SupabaseStores,
    sql: psycopg.Connection,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
    field: str,
    value: object,
) -> None:
    sessions = stores["session_store"]
    first, broken, last = [
        await sessions.create_session(CustomerId("ann"), AgentId("support")) for _ in range(3)
    ]
    damage(sql, f"{prefix}s_sessions", broken.id, field, value)

    for _ in range(2):
        assert {session.id for session in await sessions.list_sessions()} == {first.id, last.id}
        listed = await sessions.list_sessions(AgentId("support"), limit=10)
        assert {session.id for session in listed.items} == {first.id, last.id}
        with pytest.raises(ItemNotFoundError):
            await sessions.read_session(broken.id)
    assert (await sessions.read_session(last.id)).id == last.id
    assert named(caplog, f"{prefix}s_sessions", broken.id) == 1


@pytest.mark.parametrize(("field", "value"), EVENT_DAMAGE)
async def test_that_an_event_takes_neither_others_nor_its_session_with_it(
    stores: SupabaseStores,
    sql: psycopg.Connection,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
    field: str,
    value: object,
) -> None:
    sessions = stores["session_store"]
    session = await sessions.create_session(CustomerId("ann"), AgentId("support"))
    first, broken, last = [await say(stores, session.id, text) for text in ("one", "two", "three")]
    damage(sql, f"{prefix}s_events", broken.id, field, value)

    for _ in range(2):
        events = await sessions.list_events(session.id)
        assert [event.id for event in events] == [first.id, last.id]
        with pytest.raises(ItemNotFoundError):
            await sessions.read_event(session.id, EventId(broken.id))
    assert (await say(stores, session.id, "four")).offset == 3
    assert (await sessions.read_event(session.id, last.id)).offset == 2
    assert named(caplog, f"{prefix}s_events", broken.id) == 1


@pytest.mark.parametrize("value", ["seven", None, True, [], {}, 10**30, -5])
async def test_that_a_session_whose_last_event_has_no_offset_goes_on(
    stores: SupabaseStores, sql: psycopg.Connection, prefix: str, value: object
) -> None:
    session = await stores["session_store"].create_session(CustomerId("ann"), AgentId("support"))
    await say(stores, session.id, "one")
    last = await say(stores, session.id, "two")
    damage(sql, f"{prefix}s_events", last.id, "offset", value)

    assert (await say(stores, session.id, "three")).offset == 1


@pytest.mark.parametrize(("field", "value"), CUSTOMER_DAMAGE)
async def test_that_a_customer_takes_no_other_with_it(
    stores: SupabaseStores,
    sql: psycopg.Connection,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
    field: str,
    value: object,
) -> None:
    customers = stores["customer_store"]
    tag = TagId("vip")
    ann, broken = [await customers.create_customer(name, tags=[tag]) for name in ("Ann", "Bo")]
    damage(sql, f"{prefix}c_customers", broken.id, field, value)

    for _ in range(2):
        assert [each.id for each in await customers.list_customers()] == ["guest", ann.id]
        assert [each.id for each in await customers.list_customers(tags=[tag])] == [ann.id]
        with pytest.raises(ItemNotFoundError):
            await customers.read_customer(broken.id)
    assert named(caplog, f"{prefix}c_customers", broken.id) == 1


@pytest.mark.parametrize(("field", "value"), VARIABLE_DAMAGE)
async def test_that_a_variable_takes_no_other_with_it(
    stores: SupabaseStores,
    sql: psycopg.Connection,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
    field: str,
    value: object,
) -> None:
    variables = stores["variable_store"]
    tag = TagId("agent:support")
    plan, broken = [await variables.create_variable(name, tags=[tag]) for name in ("plan", "city")]
    damage(sql, f"{prefix}v_variables", broken.id, field, value)

    for _ in range(2):
        assert [each.id for each in await variables.list_variables()] == [plan.id]
        assert [each.id for each in await variables.list_variables([tag])] == [plan.id]
        with pytest.raises(ItemNotFoundError):
            await variables.read_variable(broken.id)
    assert named(caplog, f"{prefix}v_variables", broken.id) == 1


@pytest.mark.parametrize(("field", "value"), VALUE_DAMAGE)
async def test_that_a_value_takes_no_other_with_it(
    stores: SupabaseStores,
    sql: psycopg.Connection,
    prefix: str,
    caplog: pytest.LogCaptureFixture,
    field: str,
    value: object,
) -> None:
    variables = stores["variable_store"]
    plan = await variables.create_variable("plan")
    await variables.update_value(plan.id, "ann", "pro")
    broken = await variables.update_value(plan.id, "bo", "free")
    damage(sql, f"{prefix}v_values", broken.id, field, value)

    for _ in range(2):
        assert [key for key, _ in await variables.list_values(plan.id)] == ["ann"]
        assert await variables.read_value(plan.id, "bo") is None
    await variables.update_value(plan.id, "bo", "basic")
    assert [key for key, _ in await variables.list_values(plan.id)] == ["ann", "bo"]
    assert named(caplog, f"{prefix}v_values", broken.id) == 1


async def test_that_a_document_that_cannot_be_converted_is_named_once(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stores() as stores:
        session = await stores["session_store"].create_session(CustomerId("a"), AgentId("s"))
        old = await say(stores, session.id, "one")
        await say(stores, session.id, "two")
    damage(sql, f"{prefix}s_events", old.id, "version", "0.0.1")
    damage(sql, f"{prefix}s_events", old.id, "trace_id", MISSING)

    async with open_stores() as stores:
        for _ in range(2):
            events = await stores["session_store"].list_events(session.id)
            assert [event.offset for event in events] == [1]

    assert named(caplog, f"{prefix}s_events", old.id) == 1
    (failed,) = sql.execute(on("select id from {}", f"{prefix}s_events_failed_migrations"))
    assert failed == (old.id,)
