"""Opt-ins outlive upgrades, and the agent's own role may use parlant-supabase and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack, SupervisedDatabase
from supabase import AsyncClientOptions, acreate_client

from tests.adapter.notes import note, only
from tests.database.catalogue import apply_migrations
from tests.security.conftest import caller, opted_in
from tests.security.test_roles import PERMISSION_DENIED, functions, tables, views

SESSIONS = {"p_prefix": "parlant_sessions_", "p_collection": "sessions"}


@pytest.fixture(scope="module")
def for_agent(stack: LocalStack) -> Iterator[SupervisedDatabase]:
    """A database with a role for the agent, where new tables are granted as in older projects."""
    database = opted_in(stack, "for_agent", "agent_role.sql")
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        connection.execute(
            "alter default privileges in schema public"
            " grant all on tables to anon, authenticated, service_role"
        )
        connection.execute("create table public.orders (id text primary key)")
        connection.execute("select public.parlant_create_collection('own_', 'notes')")
        connection.execute(
            "select public.parlant_create_views('own_', 'parlant_sessions_',"
            " 'parlant_customers_', 'parlant_context_variables_')"
        )
    database.reload_schema()
    yield database
    stack.drop_database(database)


def upgrade(database: SupervisedDatabase) -> None:
    """Runs the install migration once more, with one function that is new to the database."""
    with psycopg.connect(database.database_url) as connection:
        connection.execute("drop function public.parlant_find_one(text, text, jsonb, jsonb)")
        apply_migrations(connection)


@pytest.mark.parametrize(
    ("opened", "role"),
    [
        ("for_users", "authenticated"),
        ("for_everybody", "anon"),
        ("for_agent", "parlant_agent"),
    ],
)
def test_that_an_upgrade_leaves_roles_let_in(
    opened: str, role: str, request: pytest.FixtureRequest
) -> None:
    database: SupervisedDatabase = request.getfixturevalue(opened)

    upgrade(database)

    database.reload_schema()
    reply = caller(database, role).call("parlant_find_one", **SESSIONS, p_filters={})
    assert reply.json() == {"document": None}


def test_that_the_agents_role_can_execute_every_function(for_agent: SupervisedDatabase) -> None:
    agent = caller(for_agent, "parlant_agent")
    with psycopg.connect(for_agent.database_url) as connection:
        offered = functions(connection)

    assert len(offered) > 10
    for function, arguments in offered.items():
        reply = agent.call(function, **dict.fromkeys(arguments))
        code = None if reply.is_success else reply.json()["code"]
        assert code != PERMISSION_DENIED, function


def test_that_the_agents_role_can_read_every_table_and_view(for_agent: SupervisedDatabase) -> None:
    agent = caller(for_agent, "parlant_agent")
    with psycopg.connect(for_agent.database_url) as connection:
        relations = [*tables(connection), *views(connection), "own_messages"]

    assert "own_notes_failed_migrations" in relations
    assert {r: agent.read(r).status_code for r in relations} == dict.fromkeys(relations, 200)


def test_that_the_agents_role_can_use_nothing_else_of_the_project(
    for_agent: SupervisedDatabase,
) -> None:
    agent = caller(for_agent, "parlant_agent")
    assert caller(for_agent, "service_role").read("orders").is_success

    assert agent.read("orders").json()["code"] == PERMISSION_DENIED
    with psycopg.connect(for_agent.database_url, autocommit=True) as connection:
        connection.execute("set role parlant_agent")
        for statement in (
            "select from auth.users",
            "select from public.orders",
            "create table public.mine (id text)",
            "insert into parlant_internal.collections values ('p', 'c', 'orders', 'orders_failed')",
            "insert into parlant_internal.opt_ins values ('anon', 'agent')",
            "select parlant_internal.opt_in('anon', 'agent')",
            "drop table public.parlant_sessions_",
            "truncate public.parlant_sessions_",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


async def test_that_an_agent_works_with_a_key_of_its_own_role(
    for_agent: SupervisedDatabase, logger: Any
) -> None:
    token = for_agent.sign({"role": "parlant_agent"})

    async def loader(document: BaseDocument) -> BaseDocument | None:
        return document

    async with httpx.AsyncClient(timeout=60) as http:
        options = AsyncClientOptions(
            httpx_client=http,
            auto_refresh_token=False,
            headers={"Authorization": f"Bearer {token}"},
        )
        client = await acreate_client(for_agent.url, for_agent.publishable_key, options)
        async with SupabaseDocumentDatabase(logger, client=client, table_prefix="later_") as db:
            notes = await db.get_or_create_collection("notes", BaseDocument, loader)
            await notes.insert_one(note("a"))
            found = await notes.find_one(only("a"))
            await notes.delete_one(only("a"))
            await db.delete_collection("notes")

    assert found == note("a")


def test_that_an_unknown_role_or_access_is_refused(for_agent: SupervisedDatabase) -> None:
    with psycopg.connect(for_agent.database_url, autocommit=True) as connection:
        for call in ("opt_in('nobody_at_all', 'agent')", "opt_in('parlant_agent', 'all')"):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(f"select parlant_internal.{call}".encode())
            assert caught.value.sqlstate == "PD008"
