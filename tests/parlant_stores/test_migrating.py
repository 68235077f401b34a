"""Documents that earlier versions of Parlant wrote, opened by the stores of the installed one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
import pytest
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableId
from parlant.core.customers import CustomerDocumentStore, CustomerId
from parlant.core.persistence.common import MigrationRequired
from parlant.core.sessions import SessionDocumentStore, SessionId
from parlant_supabase import SupabaseDocumentDatabase
from psycopg.types.json import Jsonb

from tests.tables import on

MakeDatabase = Callable[..., SupabaseDocumentDatabase]
Store = Callable[[str, Mapping[str, Iterable[object]]], None]

NOON = "2025-03-01T12:00:00+00:00"
BASE = {"creation_utc": NOON}

SESSION = BASE | {
    "customer_id": "ann",
    "agent_id": "support",
    "mode": "auto",
    "title": "Parcel",
    "consumption_offsets": {"client": 3},
}
EVENT = BASE | {
    "session_id": "s",
    "source": "customer",
    "kind": "message",
    "data": {"message": "Hello", "participant": {"id": "ann", "display_name": "Ann"}},
    "deleted": False,
}


@pytest.fixture
def store_as_of(sql: psycopg.Connection, prefix: str) -> Store:
    """Stores documents as a store of an earlier version did: {collection: documents}."""

    def store(version: str, documents: Mapping[str, Iterable[object]]) -> None:
        metadata = [{"id": "m", "creation_utc": NOON, "version": version}]
        for collection, content in {"metadata": metadata, **documents}.items():
            sql.execute("select public.parlant_create_collection(%s, %s)", (prefix, collection))
            for document in content:
                sql.execute(
                    "select public.parlant_insert_one(%s, %s, %s)",
                    (prefix, collection, Jsonb(document)),
                )

    return store


def failed(sql: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    return sql.execute(
        on("select id, reason from {} order by seq", f"{table}_failed_migrations")
    ).fetchall()


async def test_that_old_sessions_are_migrated(
    make_database: MakeDatabase, store_as_of: Store, prefix: str, sql: psycopg.Connection
) -> None:
    states = [{"correlation_id": "c", "applied_guideline_ids": ["g"], "journey_paths": {}}]
    store_as_of(
        "0.8.0",
        {
            "sessions": [
                SESSION | {"id": "s1", "version": "0.1.0"},
                SESSION | {"id": "s6", "version": "0.6.0", "agent_states": states},
                SESSION
                | {"id": "s8", "version": "0.8.0", "agent_states": [], "metadata": {"a": 1}},
            ]
        },
    )

    async with make_database() as database:
        with pytest.raises(MigrationRequired):
            await SessionDocumentStore(database).__aenter__()
        async with SessionDocumentStore(database, allow_migration=True) as sessions:
            listed = {session.id: session for session in await sessions.list_sessions()}

    assert set(listed) == {"s1", "s6", "s8"}
    assert all(session.labels == set() for session in listed.values())
    assert listed[SessionId("s6")].agent_states[0].trace_id == "c"
    assert listed[SessionId("s8")].metadata == {"a": 1}
    versions = sql.execute(on("select distinct version from {}", f"{prefix}sessions")).fetchall()
    assert versions == [("0.9.0",)]
    assert failed(sql, f"{prefix}sessions") == []


EVENT_OF = {
    "0.5.0": EVENT | {"correlation_id": "t"},
    "0.6.0": EVENT | {"correlation_id": "t"},
    "0.7.0": EVENT | {"trace_id": "t"},
    "0.8.0": EVENT | {"trace_id": "t", "metadata": None},
}
CURRENT_SESSION = SESSION | {
    "id": "s",
    "version": "0.9.0",
    "agent_states": [],
    "metadata": {},
    "labels": [],
}


async def test_that_events_are_migrated_though_parlant_lacks_a_step(
    make_database: MakeDatabase, store_as_of: Store, prefix: str, sql: psycopg.Connection
) -> None:
    # Parlant 3.3 has no step from 0.8.0, so that its loader raises for all that is older, too.
    events = [
        event | {"id": f"e{n}", "version": version, "offset": n}
        for n, (version, event) in enumerate(EVENT_OF.items())
    ]
    store_as_of("0.8.0", {"sessions": [CURRENT_SESSION], "events": events})

    for _ in range(2):
        async with (
            make_database() as database,
            SessionDocumentStore(database, allow_migration=True) as sessions,
        ):
            listed = await sessions.list_events(SessionId("s"))
            assert [event.id for event in listed] == ["e0", "e1", "e2", "e3"]
            assert {event.trace_id for event in listed} == {"t"}

    versions = sql.execute(on("select distinct version from {}", f"{prefix}events")).fetchall()
    assert versions == [("0.9.0",)]
    assert failed(sql, f"{prefix}events") == []


async def test_that_events_of_an_unknown_version_stay(
    make_database: MakeDatabase, store_as_of: Store, prefix: str, sql: psycopg.Connection
) -> None:
    event = EVENT_OF["0.8.0"]
    store_as_of(
        "0.8.0",
        {
            "sessions": [CURRENT_SESSION],
            "events": [event | {"id": f"e{n}", "version": "0.8.1", "offset": n} for n in range(5)],
        },
    )

    for _ in range(2):
        async with (
            make_database() as database,
            SessionDocumentStore(database, allow_migration=True) as sessions,
        ):
            events = await sessions.list_events(SessionId("s"))
            assert [event.id for event in events] == [f"e{n}" for n in range(5)]

    assert failed(sql, f"{prefix}events") == [
        (f"e{n}", "raised: KeyError: '0.8.1'") for n in range(5)
    ]


async def test_that_the_conversation_goes_on_after_old_events(
    make_database: MakeDatabase, store_as_of: Store
) -> None:
    current: dict[str, Any] = {"agent_states": [], "metadata": {}, "labels": []}
    old_event = EVENT | {"id": "e", "version": "0.8.0", "offset": 6, "trace_id": "t"}
    store_as_of(
        "0.8.0",
        {
            "sessions": [SESSION | current | {"id": "s", "version": "0.9.0"}],
            "events": [old_event | {"metadata": None}],
        },
    )

    async with (
        make_database() as database,
        SessionDocumentStore(database, allow_migration=True) as sessions,
    ):
        (old,) = await sessions.list_events(SessionId("s"))
        new = await sessions.create_event(
            SessionId("s"), old.source, old.kind, "t", {"message": "Anyone there?"}
        )

    assert new.offset == 7


async def test_that_customers_of_an_unknown_version_are_kept_aside(
    make_database: MakeDatabase, store_as_of: Store, prefix: str, sql: psycopg.Connection
) -> None:
    person = BASE | {"name": "Ann", "extra": {}}
    tag = BASE | {"customer_id": "new", "tag_id": "vip"}
    store_as_of(
        "0.0.9",
        {
            "customers": [
                person | {"id": "old", "version": "0.0.9"},
                person | {"id": "new", "version": "0.1.0"},
            ],
            "customer_tag_associations": [tag | {"id": "t", "version": "0.1.0"}],
        },
    )

    async with (
        make_database() as database,
        CustomerDocumentStore(IdGenerator(), database, True) as customers,
    ):
        everyone = await customers.list_customers()
        ann = await customers.read_customer(CustomerId("new"))

    assert [customer.id for customer in everyone] == ["guest", "new"]
    assert ann.tags == ["vip"]
    assert failed(sql, f"{prefix}customers") == [("old", "rejected")]


async def test_that_old_variables_and_values_are_migrated(
    make_database: MakeDatabase, store_as_of: Store, prefix: str, sql: psycopg.Connection
) -> None:
    store_as_of(
        "0.2.0",
        {
            "variables": [
                BASE
                | {"id": "v", "version": "0.2.0", "variable_set": "set", "name": "plan"}
                | {"description": None, "tool_id": None, "freshness_rules": None}
            ],
            "values": [
                BASE
                | {"id": "x", "version": "0.2.0", "last_modified": NOON, "variable_set": "set"}
                | {"variable_id": "v", "key": "ann", "data": {"plan": "pro"}}
            ],
        },
    )

    async with (
        make_database() as database,
        ContextVariableDocumentStore(IdGenerator(), database, True) as variables,
    ):
        (plan,) = await variables.list_variables()
        value = await variables.read_value(ContextVariableId("v"), "ann")

    assert plan.name == "plan"
    assert value is not None
    assert value.data == {"plan": "pro"}
    assert failed(sql, f"{prefix}variables") == failed(sql, f"{prefix}values") == []
