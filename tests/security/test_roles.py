"""Every function and every table, through PostgREST, as every role."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

from tests.security.conftest import caller

# Roles whose holders may do nothing; `support` is a role that a user has made for the API.
OUTSIDERS = ("anon", "authenticated", "support")
PERMISSION_DENIED = "42501"
NOT_UPDATABLE = "55000"


@pytest.fixture(scope="module", autouse=True)
def of_the_users_own(deployed: SupervisedDatabase) -> Iterator[None]:
    """A collection and a role."""
    with psycopg.connect(deployed.database_url) as owner:
        owner.execute("select public.parlant_create_collection('own_', 'notes')")
    deployed.reload_schema()
    with psycopg.connect(deployed.admin_url, autocommit=True) as admin:
        admin.execute("create role support nologin noinherit")
        admin.execute("grant support to authenticator")
        admin.execute("grant usage on schema public to support")
        yield
        admin.execute("revoke usage on schema public from support")
        admin.execute("drop role support")


def functions(sql: psycopg.Connection) -> dict[str, list[str]]:
    """The names of the required arguments of every function that the API shows."""
    rows = sql.execute(
        """
        select p.proname, coalesce(p.proargnames[1:p.pronargs - p.pronargdefaults], '{}')
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace and p.proname like 'parlant\\_%'
        """
    ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_that_outsiders_can_execute_no_function(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection, role: str
) -> None:
    outsider = caller(deployed, role)

    answers = {
        function: outsider.call(function, **dict.fromkeys(arguments)).json()
        for function, arguments in functions(deployed_sql).items()
    }

    assert len(answers) > 10
    for function, answer in answers.items():
        assert answer["code"] == PERMISSION_DENIED
        # Not for what the function itself would have needed.
        assert answer["message"] == f"permission denied for function {function}"


def test_that_the_service_role_can_execute_every_function(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection
) -> None:
    server = caller(deployed, "service_role")

    for function, arguments in functions(deployed_sql).items():
        reply = server.call(function, **dict.fromkeys(arguments))
        # Arguments of null are refused by the function itself, where it needs them.
        code = None if reply.is_success else reply.json()["code"]
        assert code != PERMISSION_DENIED, function


def tables(sql: psycopg.Connection) -> list[str]:
    """The names of every table that the registry knows."""
    rows = sql.execute(
        """
        select t.name
        from parlant_internal.collections as c,
          unnest(array[c.table_name, c.failed_table_name]::text[]) as t (name)
        """
    ).fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("role", OUTSIDERS)
def test_that_outsiders_can_read_no_table(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection, role: str
) -> None:
    outsider = caller(deployed, role)

    answers = {table: outsider.read(table).json() for table in tables(deployed_sql)}

    assert len(answers) == 22
    assert "own_notes_failed_migrations" in answers
    for table, answer in answers.items():
        assert answer["code"] == PERMISSION_DENIED
        assert answer["message"] == f"permission denied for table {table}"


def test_that_the_service_role_can_read_every_table(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection
) -> None:
    server = caller(deployed, "service_role")

    assert all(server.read(table).is_success for table in tables(deployed_sql))


def views(sql: psycopg.Connection) -> list[str]:
    """The names of the default stores' views."""
    rows = sql.execute("select 'parlant_' || name from parlant_internal.view_definitions()")
    return [name for (name,) in rows]


@pytest.mark.parametrize("role", OUTSIDERS)
def test_that_outsiders_can_read_no_view(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection, role: str
) -> None:
    outsider = caller(deployed, role)

    answers = {view: outsider.read(view).json() for view in views(deployed_sql)}

    assert len(answers) == 4
    assert {answer["code"] for answer in answers.values()} == {PERMISSION_DENIED}


def test_that_the_service_role_can_read_every_view_and_write_none(
    deployed: SupervisedDatabase, deployed_sql: psycopg.Connection
) -> None:
    server = caller(deployed, "service_role")

    for view in views(deployed_sql):
        url = f"{server.url}/rest/v1/{view}"
        assert server.read(view).is_success
        written = httpx.post(url, headers=server.headers, json={}, timeout=60)
        assert written.json()["code"] in (PERMISSION_DENIED, NOT_UPDATABLE)


@pytest.mark.parametrize("role", [*OUTSIDERS, "service_role"])
def test_that_nobody_reaches_the_private_schema_over_http(
    deployed: SupervisedDatabase, role: str
) -> None:
    someone = caller(deployed, role)
    headers = {**someone.headers, "Accept-Profile": "parlant_internal"}

    reply = type(someone)(someone.url, headers).read("collections")

    assert reply.json()["code"] == "PGRST106"
