"""An erasure that meets another write holds nothing that the other one waits for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from psycopg.types.json import Jsonb

from tests.tables import on
from tests.waiting import LIMIT_SECONDS, wait_until

ERASURES = {
    "erase_session": {"p_prefix": True, "p_session_id": "s"},
    "erase_customer": {
        "p_session_prefix": True,
        "p_customer_prefix": True,
        "p_variable_prefix": True,
        "p_customer_id": "c",
    },
    "anonymize_customer": {
        "p_session_prefix": True,
        "p_customer_prefix": True,
        "p_variable_prefix": True,
        "p_customer_id": "c",
        "p_anonymous_id": "x",
        "p_keep_messages": False,
    },
}


@pytest.fixture
def conversation(sql: psycopg.Connection, prefix: str) -> str:
    """The prefix of a session of customer c with the events e1 and e2."""
    for name in ("sessions", "events", "customers", "customer_tag_associations", "values"):
        sql.execute("select public.parlant_create_collection(%s, %s)", (prefix, name))
    for name, document in (
        ("sessions", {"id": "s", "customer_id": "c"}),
        ("customers", {"id": "c", "name": "Ann"}),
        ("events", {"id": "e1", "session_id": "s", "kind": "message", "data": {"message": "hi"}}),
        ("events", {"id": "e2", "session_id": "s", "kind": "message", "data": {"message": "ho"}}),
    ):
        sql.execute(on("insert into {} (data) values (%s)", prefix + name), (Jsonb(document),))
    return prefix


@pytest.mark.parametrize("function", ERASURES)
def test_that_an_erasure_ends_in_no_deadlock_with_a_batch(
    stack: LocalStack, sql: psycopg.Connection, conversation: str, function: str
) -> None:
    erasure = {k: conversation if v is True else v for k, v in ERASURES[function].items()}

    with (
        psycopg.connect(stack.database_url) as batch,
        psycopg.connect(stack.database_url, autocommit=True) as eraser,
        ThreadPoolExecutor(1) as thread,
    ):
        for document in ("sessions.s", "events.e1", "events.e2"):
            table, id = document.split(".")
            batch.execute(
                "select pg_advisory_xact_lock(parlant_internal.document_key(%s, %s))",
                (f"public.{conversation}{table}", id),
            )
        _update(batch, conversation, "e1")
        erasing = thread.submit(_call, eraser, function, erasure)
        wait_until(lambda: _is_waiting(sql, eraser), "the erasure to wait for the batch")

        _update(batch, conversation, "e2")
        batch.commit()

        assert erasing.result(LIMIT_SECONDS).keys() >= {"done"}


def _update(connection: psycopg.Connection, prefix: str, id: str) -> None:
    connection.execute(
        "select public.parlant_update_one(%s, 'events', %s, '{\"n\": 1}')",
        (prefix, Jsonb({"id": {"$eq": id}})),
    )


def _call(connection: psycopg.Connection, function: str, arguments: dict[str, Any]) -> Any:
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    row = connection.execute(f"select public.parlant_{function}({names})", arguments).fetchone()
    assert row is not None
    return row[0]


def _is_waiting(sql: psycopg.Connection, other: psycopg.Connection) -> bool:
    row = sql.execute("select cardinality(pg_blocking_pids(%s)) > 0", (other.info.backend_pid,))
    return bool(row.fetchone() == (True,))
