"""What a database of the stack has in common with a hosted project's."""

from __future__ import annotations

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from psycopg import sql

from .conftest import Request
from .processes import wait_for


@pytest.mark.parametrize(
    ("role", "attributes"),
    [
        (
            "postgres",
            {
                "rolbypassrls",
                "rolcanlogin",
                "rolcreatedb",
                "rolcreaterole",
                "rolinherit",
                "rolreplication",
            },
        ),
        ("anon", set()),
        ("authenticated", set()),
        ("service_role", {"rolbypassrls"}),
        ("authenticator", {"rolcanlogin"}),
    ],
)
def test_that_a_role_has_the_hosted_attributes(
    admin: psycopg.Connection, role: str, attributes: set[str]
) -> None:
    row = admin.execute("select to_jsonb(r) from pg_roles r where rolname = %s", [role]).fetchone()

    assert row is not None
    assert {name for name, value in row[0].items() if value is True} == attributes


def test_that_postgres_owns_the_database(owner: psycopg.Connection) -> None:
    row = owner.execute(
        "select pg_get_userbyid(datdba), pg_encoding_to_char(encoding) from pg_database"
        " where datname = current_database()"
    ).fetchone()

    assert row == ("postgres", "UTF8")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_that_new_tables_are_granted_to_nobody(owner: psycopg.Connection, role: str) -> None:
    for privilege in ("select", "insert", "update", "delete"):
        row = owner.execute(
            "select has_table_privilege(%s, 'public.notes', %s)", [role, privilege]
        ).fetchone()
        assert row == (False,)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_that_new_functions_can_be_executed_by_everybody(
    owner: psycopg.Connection, role: str
) -> None:
    row = owner.execute(
        "select has_function_privilege(%s, 'public.session_facts()', 'execute')", [role]
    ).fetchone()

    assert row == (True,)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
@pytest.mark.parametrize("schema", ["public", "extensions", "auth"])
def test_that_roles_of_the_api_can_use_but_not_create(
    owner: psycopg.Connection, role: str, schema: str
) -> None:
    row = owner.execute(
        "select has_schema_privilege(%(role)s, %(schema)s, 'usage'),"
        " has_schema_privilege(%(role)s, %(schema)s, 'create')",
        {"role": role, "schema": schema},
    ).fetchone()

    assert row == (True, False)


def test_that_postgres_may_do_what_a_hosted_owner_may(owner: psycopg.Connection) -> None:
    for statement in (
        "create schema shelf",
        "create extension pg_trgm with schema extensions",
        "create table shelf.books (owner uuid references auth.users (id))",
        "create role librarian",
        "grant anon to librarian",
        "alter role authenticated set statement_timeout = '8s'",
        "alter role authenticator set pgrst.db_max_rows = '1000'",
        "alter role authenticator reset pgrst.db_max_rows",
        "drop schema shelf cascade",
        "drop extension pg_trgm",
        "drop role librarian",
    ):
        owner.execute(sql.SQL(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "create role intruder superuser",
        "alter role postgres superuser",
        "copy (select 1) to program 'true'",
        "alter system set fsync = 'off'",
    ],
)
def test_that_postgres_is_no_superuser(owner: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(sql.SQL(statement))


def test_that_pgtap_is_at_hand_but_not_installed(admin: psycopg.Connection) -> None:
    installed = admin.execute("select 1 from pg_extension where extname = 'pgtap'").fetchone()
    assert installed is None

    with admin.transaction(force_rollback=True):
        admin.execute("create extension pgtap with schema extensions")
        version = admin.execute("select extensions.pgtap_version()::text").fetchone()
        assert version == ("1.3",)


def test_that_the_api_follows_a_change_of_the_schema(
    scratch_stack: LocalStack, call: Request, owner: psycopg.Connection
) -> None:
    headers = {"apikey": scratch_stack.secret_key}
    assert call("late", headers).json()["code"] == "PGRST202"

    owner.execute("create function public.late() returns int language sql as 'select 1'")
    wait_for(lambda: call("late", headers).status_code == 200)

    owner.execute("drop function public.late()")
    wait_for(lambda: call("late", headers).status_code == 404)


def test_that_temporary_tables_do_not_reload_the_schema(
    scratch_stack: LocalStack, owner: psycopg.Connection
) -> None:
    with psycopg.connect(scratch_stack.database_url, autocommit=True) as listener:
        listener.execute("listen pgrst")
        owner.execute("create temporary table fleeting (id int)")
        owner.execute("drop table fleeting")
        owner.execute("notify pgrst, 'the end'")
        heard = next(listener.notifies())

    assert heard.payload == "the end"
