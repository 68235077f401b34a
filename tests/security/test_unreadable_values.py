"""Documents whose moments and offsets no cast can read, written by anybody who may write one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

MOMENTS = [
    "2026-02-30T10:00:00Z",
    "2025-02-29T10:00:00Z",
    "1900-02-29T10:00:00Z",
    "2026-04-31T10:00:00Z",
    "0000-01-01T10:00:00Z",
    "2026-01-01T10:00:00+23:00",
    "2026-01-01T10:00:00-16:00",
    "2026-01-01T10:00:00." + "1" * 200 + "Z",
    "٢٠٢٦-01-01T10:00:00Z",
    "",
]
READABLE = {
    "2024-02-29T23:59:59.999999Z": "2024-02-29T23:59:59.999999+00:00",
    "2000-02-29T00:00:00+00:00": "2000-02-29T00:00:00+00:00",
    "2026-12-31T10:00:00.123456789-15:59": "2027-01-01T01:59:00.123457+00:00",
    "9999-12-31T00:00:00Z": "9999-12-31T00:00:00+00:00",
}
OFFSETS = [1e30, -1e30, 10**19, True, "7", [7], {"7": 7}, None]

VIEWS = (
    "parlant_messages",
    "parlant_session_overview",
    "parlant_customer_overview",
    "parlant_variable_overview",
)


@pytest.fixture
def connection(deployed: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A transaction in UTC that is rolled back after the test."""
    with (
        psycopg.connect(deployed.database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("set local timezone = 'UTC'")
        yield connection


def insert(connection: psycopg.Connection, table: str, **document: Any) -> None:
    query = SQL("insert into public.{} (data) values (%s)").format(Identifier(table))
    connection.execute(query, [Jsonb(document)])


def insert_message(connection: psycopg.Connection, **document: Any) -> None:
    message = {"session_id": "s", "kind": "message", "source": "customer", **document}
    insert(connection, "parlant_sessions_events", **message)


@pytest.mark.parametrize("moment", [*MOMENTS, *READABLE])
def test_that_a_moment_that_cannot_be_read_is_null_in_every_view(
    connection: psycopg.Connection, moment: str
) -> None:
    value = {"id": "x", "variable_id": "v", "key": "c", "last_modified": moment}
    insert(connection, "parlant_customers_", id="c", creation_utc=moment)
    insert(connection, "parlant_sessions_", id="s", customer_id="c", creation_utc=moment)
    insert_message(connection, id="e", creation_utc=moment)
    insert(connection, "parlant_context_variables_", id="v", name="plan")
    insert(connection, "parlant_context_variables_values", **value)

    query = SQL("select to_jsonb(v) from public.{} as v")
    shown = [connection.execute(query.format(Identifier(view))).fetchall() for view in VIEWS]

    columns = (
        *("sent_at", "created_at", "first_message_at"),
        *("last_message_at", "last_session_at", "modified_at"),
    )
    moments = [row[column] for ((row,),) in shown for column in columns if column in row]
    assert len(moments) == 7
    assert set(moments) == {READABLE.get(moment)}


@pytest.mark.parametrize("offset", OFFSETS)
def test_that_an_offset_that_cannot_be_read_is_null_and_events_follow_it(
    connection: psycopg.Connection, offset: object
) -> None:
    insert(connection, "parlant_sessions_", id="s")
    insert_message(connection, id="first", offset=0)
    insert_message(connection, id="second", offset=1)
    insert_message(connection, id="odd", offset=offset)

    shown = connection.execute(
        "select event_offset from public.parlant_messages where event_id = 'odd'"
    ).fetchone()
    created = connection.execute(
        "select public.parlant_create_event('parlant_sessions_', %s)",
        [Jsonb({"id": "new", "session_id": "s"})],
    ).fetchone()

    assert shown == (None,)
    assert created is not None
    assert created[0]["offset"] == 2
