"""Analysts count conversations, and read nothing of what was said."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from parlant_supabase.local import LocalStack, SupervisedDatabase
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.security.conftest import caller, opted_in
from tests.security.test_roles import functions, tables, views

SECRET = "only-for-the-agent"
REPORTS = ("sessions", "messages", "customers", "variables")

_DOCUMENTS = {
    ("parlant_sessions_", "sessions"): {
        "id": "s1",
        "customer_id": "c1",
        "creation_utc": "2026-01-01T00:00:00+00:00",
        "title": SECRET,
        "metadata": {"note": SECRET},
        "labels": ["vip"],
    },
    ("parlant_sessions_", "events"): {
        "id": "e1",
        "session_id": "s1",
        "creation_utc": "2026-01-01T00:00:01+00:00",
        "kind": "message",
        "source": "customer",
        "deleted": False,
        "data": {"message": SECRET, "participant": {"display_name": SECRET}},
    },
    ("parlant_customers_", "customers"): {
        "id": "c1",
        "creation_utc": "2026-01-01T00:00:00+00:00",
        "name": SECRET,
        "extra": {"note": SECRET},
    },
    ("parlant_context_variables_", "variables"): {"id": "v1", "name": "plan"},
    ("parlant_context_variables_", "values"): {
        "id": "x1",
        "variable_id": "v1",
        "key": SECRET,
        "data": SECRET,
    },
}


@pytest.fixture(scope="module")
def for_analysts(stack: LocalStack) -> Iterator[SupervisedDatabase]:
    """A database with a conversation, whose analysts may report on it."""
    database = opted_in(stack, "for_analysts", "reporting.sql")
    with psycopg.connect(database.database_url) as owner:
        for (prefix, collection), document in _DOCUMENTS.items():
            owner.execute(
                "select public.parlant_insert_one(%s, %s, %s)",
                (prefix, collection, Jsonb(document)),
            )
    yield database
    stack.drop_database(database)
    with psycopg.connect(stack.admin_url, autocommit=True) as admin:
        admin.execute("drop role parlant_analyst")


@pytest.fixture
def analyst(for_analysts: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """Someone who has logged in as an analyst."""
    with psycopg.connect(for_analysts.admin_url, autocommit=True) as connection:
        connection.execute("set session authorization parlant_analyst")
        yield connection


def test_that_an_analyst_counts_conversations(analyst: psycopg.Connection) -> None:
    with analyst.cursor(row_factory=dict_row) as cursor:
        session = cursor.execute("select * from parlant_reporting.sessions").fetchone()
        message = cursor.execute("select * from parlant_reporting.messages").fetchone()

    assert session is not None
    assert (session["session_id"], session["labels"], session["messages"]) == ("s1", ["vip"], 1)
    assert message is not None
    assert (message["session_id"], message["source"]) == ("s1", "customer")


@pytest.mark.parametrize("report", REPORTS)
def test_that_no_report_holds_a_text(analyst: psycopg.Connection, report: str) -> None:
    rows = analyst.execute(
        SQL("select to_jsonb(r)::text from {} as r").format(Identifier("parlant_reporting", report))
    )

    texts = [text for (text,) in rows]
    assert len(texts) == 1
    assert SECRET not in texts[0]


def test_that_an_analyst_reads_nothing_else(
    for_analysts: SupervisedDatabase, analyst: psycopg.Connection
) -> None:
    with psycopg.connect(for_analysts.database_url) as owner:
        relations = [f"public.{name}" for name in (*tables(owner), *views(owner))]
        offered = functions(owner)

    for relation in (*relations, "parlant_internal.collections", "auth.users"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(f"select from {relation}".encode())
    for function, arguments in offered.items():
        nulls = ", ".join(["null"] * len(arguments))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(f"select public.{function}({nulls})".encode())
    for statement in (
        "set role postgres",
        "set role service_role",
        "create view parlant_reporting.texts as select 1 as one",
        "update public.parlant_sessions_ set data = '{}'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(statement.encode())


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "parlant_analyst"])
def test_that_no_report_is_shown_by_the_api(for_analysts: SupervisedDatabase, role: str) -> None:
    someone = caller(for_analysts, role)
    headers = {**someone.headers, "Accept-Profile": "parlant_reporting"}

    reply = type(someone)(someone.url, headers).read("sessions")

    assert reply.json()["code"] in ("PGRST106", "42501", "22023")
    with psycopg.connect(for_analysts.database_url) as owner:
        row = owner.execute(
            "select bool_or(has_table_privilege(%s, c.oid, 'select')) from pg_class as c"
            " where c.relnamespace = 'parlant_reporting'::regnamespace",
            (role,),
        ).fetchone()
    assert row == (role == "parlant_analyst",)
