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


def copies(sql: psycopg.Connection, table: str) -> list[tuple[Any, ...]]:
    """The id, document and reason of the failed documents of a table."""
    failed = f"{table}_failed_migrations"
    return sql.execute(on("select id, data, reason from {} order by seq", failed)).fetchall()


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
    assert [id for id, _, _ in copies(sql, f"{prefix}s_events")] == [old.id]


async def test_that_a_document_that_cannot_be_read_is_copied_once(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str
) -> None:
    async with open_stores() as stores:
        session = await stores["session_store"].create_session(CustomerId("a"), AgentId("s"))
        event = await say(stores, session.id, "one")
        customer = await stores["customer_store"].create_customer("Ann")
        variable = await stores["variable_store"].create_variable("plan")
        await stores["variable_store"].update_value(variable.id, "ann", "pro")
    damage(sql, f"{prefix}s_sessions", session.id, "title", 5)
    damage(sql, f"{prefix}s_events", event.id, "trace_id", MISSING)
    damage(sql, f"{prefix}c_customers", customer.id, "name", MISSING)
    damage(sql, f"{prefix}v_variables", variable.id, "name", None)
    sql.execute(on("update {} set data = data - 'last_modified'", f"{prefix}v_values"))

    for _ in range(2):
        async with open_stores() as stores, open_stores() as others:
            for each in (stores, others):
                assert (await each["session_store"].list_sessions()).items == []
                assert await each["session_store"].list_events(session.id) == []
                assert [c.id for c in await each["customer_store"].list_customers()] == ["guest"]
                assert await each["variable_store"].list_variables() == []
                assert await each["variable_store"].list_values(variable.id) == []

    another_type = "has another type than it should"
    for table, id, reason in (
        ("s_sessions", session.id, f"title {another_type} (document version 0.9.0)"),
        ("s_events", event.id, "KeyError: 'trace_id' (document version 0.9.0)"),
        ("c_customers", customer.id, "KeyError: 'name' (document version 0.1.0)"),
        ("v_variables", variable.id, f"name {another_type} (document version 0.3.0)"),
    ):
        (stored,) = sql.execute(on("select id, data from {}", f"{prefix}{table}"))
        assert copies(sql, f"{prefix}{table}") == [(*stored, f"raised: {reason}")]
        assert stored[0] == id
    assert len(copies(sql, f"{prefix}v_values")) == 1


async def test_that_a_copy_that_cannot_be_made_fails_no_read(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stores() as stores:
        broken = await stores["customer_store"].create_customer("Ann")
        damage(sql, f"{prefix}c_customers", broken.id, "name", MISSING)
        failed = f"{prefix}c_customers_failed_migrations"
        sql.execute(on("revoke insert on {} from service_role", failed))

        assert [each.id for each in await stores["customer_store"].list_customers()] == ["guest"]

    assert "of collection 'customers' that cannot be read were not copied" in caplog.text
    assert "no permission" in caplog.text
