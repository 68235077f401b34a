"""Opening the stores does what Parlant's own opening does, and they close together."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
from parlant.core.agents import AgentId
from parlant.core.common import Version
from parlant.core.customers import CustomerId
from parlant.core.persistence.common import MigrationRequired, ObjectId, ServerOutdated
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import (
    CollectionNotFoundError,
    ConfigurationError,
    NotOpenError,
    SupabaseDocumentDatabase,
)
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseStores, supabase_stores
from parlant_supabase.stores.opening import StoreDatabase

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.tables import on


def set_version(sql: psycopg.Connection, prefix: str, version: str) -> None:
    for part in ("s", "c", "v"):
        sql.execute(
            on(
                "update {} set data = data || jsonb_build_object('version', %s::text)",
                f"{prefix}{part}_metadata",
            ),
            (version,),
        )


def versions(sql: psycopg.Connection, prefix: str) -> list[str]:
    return [
        version
        for part in ("s", "c", "v")
        for (version,) in sql.execute(
            on("select data ->> 'version' from {}", f"{prefix}{part}_metadata")
        ).fetchall()
    ]


async def test_that_a_new_store_writes_down_its_version(
    stores: SupabaseStores, sql: psycopg.Connection, prefix: str
) -> None:
    expected = [store.VERSION.to_string() for store in stores.values()]  # type: ignore[attr-defined]

    assert versions(sql, prefix) == expected


async def test_that_a_current_store_is_opened_without_a_write(
    open_stores: OpenStores, requests: RequestLog
) -> None:
    async with open_stores():
        pass
    requests.functions.clear()
    async with open_stores(allow_migration=False):
        pass

    assert set(requests.functions) == {
        "parlant_get_version",
        "parlant_open_store",
        "parlant_ensure_indexes",
    }


async def test_that_a_newer_store_is_not_opened(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str
) -> None:
    async with open_stores():
        pass
    set_version(sql, prefix, "99.0.0")

    with pytest.raises(ServerOutdated):
        async with open_stores():
            pass
    assert versions(sql, prefix) == ["99.0.0"] * 3


async def test_that_an_older_store_is_not_opened_unless_it_may_be_migrated(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str
) -> None:
    async with open_stores() as stores:
        current = versions(sql, prefix)
        await stores["session_store"].create_session(CustomerId("c"), AgentId("a"))
    set_version(sql, prefix, "0.0.1")

    with pytest.raises(MigrationRequired, match="SupabaseSessionStore"):
        async with open_stores(allow_migration=False):
            pass
    assert versions(sql, prefix) == ["0.0.1"] * 3

    async with open_stores() as stores:
        assert (await stores["session_store"].list_sessions()).total_count == 1
    assert versions(sql, prefix) == current


async def test_that_old_documents_go_through_parlants_loaders(
    open_stores: OpenStores, sql: psycopg.Connection, prefix: str
) -> None:
    async with open_stores():
        pass
    for number in range(600):
        document = {
            "id": f"v{number}",
            "version": "0.2.0",
            "name": f"plan {number}",
            "description": None,
            "tool_id": None,
            "freshness_rules": None,
        }
        sql.execute(
            on("insert into {} (data) values (%s)", f"{prefix}v_variables"),
            (json.dumps(document),),
        )
    set_version(sql, prefix, "0.0.1")

    async with open_stores() as stores:
        variables = await stores["variable_store"].list_variables()

    assert len(variables) == 600
    [(old,)] = sql.execute(
        on("select count(*) from {} where version <> '0.3.0'", f"{prefix}v_variables")
    ).fetchall()
    assert old == 0


async def test_that_servers_may_open_a_new_store_at_once(open_stores: OpenStores) -> None:
    async with AsyncExitStack() as stack:
        opened = await asyncio.gather(*(stack.enter_async_context(open_stores()) for _ in range(4)))
        session = await opened[0]["session_store"].create_session(CustomerId("c"), AgentId("a"))

        for stores in opened:
            assert await stores["session_store"].read_session(session.id) == session


async def test_that_what_a_later_parlant_asks_for_is_opened_too(
    database: SupabaseDocumentDatabase,
) -> None:
    async def load(document: BaseDocument) -> BaseDocument:
        return document

    document = BaseDocument(id=ObjectId("r"), creation_utc="", version="1.0.0")  # type: ignore[typeddict-item]
    opened = StoreDatabase(database)
    async with opened.opening(["sessions"], Version.from_string("1.0.0")):
        created = await opened.create_collection("notes", BaseDocument)
        await created.insert_one(document)
        reactions = await opened.get_or_create_collection("reactions", BaseDocument, load)
        await reactions.insert_one(document)
        assert await (await opened.get_collection("notes", BaseDocument, load)).find_one({})
        await opened.delete_collection("notes")

    assert await reactions.find_one({}) == document
    with pytest.raises(CollectionNotFoundError):
        await database.get_collection("notes", BaseDocument, load)


async def test_that_the_stores_close_together(open_stores: OpenStores, stack: LocalStack) -> None:
    connection = {"url": stack.url, "key": stack.service_role_key}
    async with open_stores(client=None, connection_params=connection) as stores:
        await stores["session_store"].list_sessions()

    for call in (
        stores["session_store"].list_sessions(),
        stores["customer_store"].list_customers(),
        stores["variable_store"].list_variables(),
    ):
        with pytest.raises(NotOpenError):
            await call


async def test_that_calls_of_all_stores_travel_together(
    open_stores: OpenStores, requests: RequestLog
) -> None:
    async with open_stores() as stores:
        requests.functions.clear()
        await asyncio.gather(
            *(stores["session_store"].list_sessions() for _ in range(20)),
            *(stores["customer_store"].list_customers() for _ in range(20)),
            *(stores["variable_store"].list_variables() for _ in range(20)),
        )

    # Eight went at once, as themselves; the rest had to wait for one of them.
    assert "parlant_execute" in requests.functions
    assert len(requests.functions) <= 16, requests.functions


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"session_prefix": ""}, "session_prefix is empty. Name one such as parlant_sessions_"),
        ({"customer_prefix": 5}, "customer_prefix must be a str, got an int."),
        ({"variable_prefix": None}, "variable_prefix must be a str, got None."),
        (
            {"session_prefix": "a_", "variable_prefix": "a_"},
            "session_prefix and variable_prefix are both 'a_'.",
        ),
        ({"customer_id_generator": "uuid"}, "customer_id_generator must be an IdGenerator, got a"),
        ({"logger": logging.getLogger()}, "logger must be a Logger, got a RootLogger."),
        ({"tracer": "t"}, "tracer must be a Tracer, got a str."),
        ({"meter": object()}, "meter must be a Meter, got an object."),
        ({"timeout": 0}, "timeout must be positive and finite, got 0."),
        ({"slow_call_seconds": None}, "slow_call_seconds must be a number, got None."),
        ({"connection_params": "http://127.0.0.1"}, "connection_params must be a Mapping, got a s"),
    ],
)
def test_that_a_wrong_argument_is_named_by_the_call_itself(
    arguments: dict[str, Any], sentence: str
) -> None:
    connection = {"url": "http://127.0.0.1:1", "key": "k"}

    with pytest.raises(ConfigurationError) as caught:
        supabase_stores(**{"connection_params": connection, **arguments})

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


async def test_that_the_environment_and_the_default_prefixes_are_enough(
    stack: LocalStack, sql: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPABASE_URL", stack.url)
    monkeypatch.setenv("SUPABASE_KEY", stack.service_role_key)

    async with supabase_stores() as stores:
        sessions, customers, variables = (
            stores["session_store"],
            stores["customer_store"],
            stores["variable_store"],
        )
        session = await sessions.create_session(CustomerId("c"), AgentId("a"))
        customer = await customers.create_customer("Ann")
        variable = await variables.create_variable("plan")
        found = sql.execute(
            "select (select id from public.parlant_sessions_ where id = %s),"
            " (select id from public.parlant_customers_ where id = %s),"
            " (select id from public.parlant_context_variables_ where id = %s)",
            (session.id, customer.id, variable.id),
        ).fetchone()
        await sessions.delete_session(session.id)
        await customers.delete_customer(customer.id)
        await variables.delete_variable(variable.id)

    assert found == (session.id, customer.id, variable.id)
