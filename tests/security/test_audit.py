"""The audit trail of audit.sql: who changed what and when, and nothing of what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from parlant_supabase.local import LocalStack, SupervisedDatabase

from tests.security.conftest import Caller, caller, opted_in


@pytest.fixture(scope="module")
def audited(stack: LocalStack) -> Iterator[SupervisedDatabase]:
    """A database with the audit trail."""
    database = opted_in(stack, "audited", "audit.sql")
    yield database
    stack.drop_database(database)


@pytest.fixture
def agent(audited: SupervisedDatabase) -> Caller:
    return caller(audited, "service_role")


def changes_of(database: SupervisedDatabase, id: str) -> list[tuple[Any, ...]]:
    """What the trail says of a document: role, operation and table."""
    with psycopg.connect(database.database_url) as connection:
        return connection.execute(
            "select changed_by, operation, table_name from parlant_internal.audit_log"
            " where document = %s order by id",
            [hashlib.sha256(id.encode()).hexdigest()],
        ).fetchall()


@pytest.mark.parametrize("prefix", ["parlant_sessions_", "later_"])
def test_that_additions_changes_and_erasures_are_recorded(
    audited: SupervisedDatabase, agent: Caller, prefix: str
) -> None:
    agent.call(
        "parlant_open_store", p_prefix=prefix, p_collections=["sessions", "events"], p_version="1"
    )
    where = {"p_prefix": prefix, "p_collection": "sessions"}
    id = f"session of {prefix}"
    agent.call("parlant_insert_one", **where, p_document={"id": id, "creation_utc": "1"})
    agent.call(
        "parlant_update_one", **where, p_filters={"id": {"$eq": id}}, p_params={"title": "secret"}
    )
    agent.call("parlant_erase_session", p_prefix=prefix, p_session_id=id)

    changes = changes_of(audited, id)

    assert [(role, operation) for role, operation, _ in changes] == [
        ("service_role", "insert"),
        ("service_role", "update"),
        ("service_role", "delete"),
    ]
    assert len({table for _, _, table in changes}) == 1


def test_that_nothing_of_a_document_is_in_the_trail(
    audited: SupervisedDatabase, agent: Caller
) -> None:
    agent.call("parlant_open_store", p_prefix="trail_", p_collections=["customers"], p_version="1")
    agent.call(
        "parlant_insert_one",
        p_prefix="trail_",
        p_collection="customers",
        p_document={"id": "ann@example.com", "creation_utc": "1", "name": "Ann Marmalade"},
    )

    with psycopg.connect(audited.database_url) as connection:
        rows = connection.execute("select l::text from parlant_internal.audit_log as l").fetchall()

    assert rows
    assert not [row for (row,) in rows if "Marmalade" in row or "ann@example" in row]


def test_that_the_agent_cannot_wipe_its_tracks(audited: SupervisedDatabase) -> None:
    with psycopg.connect(audited.database_url) as connection:
        for statement in (
            "delete from parlant_internal.audit_log",
            "select from parlant_internal.audit_log",
            "select parlant_internal.audit_table('public.parlant_sessions_events')",
        ):
            connection.execute("set role service_role")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
