"""The migrations run as a role that is no superuser and owns nothing of the project beforehand."""

from __future__ import annotations

import psycopg
import pytest
from parlant_supabase.local import StackDatabase
from psycopg.sql import SQL, Identifier

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import apply_migrations

DEPLOYER = "deployer"


@pytest.mark.parametrize("defaults", ["new", "old"])
def test_that_a_role_with_the_right_to_create_can_deploy(
    make_empty_database: MakeEmptyDatabase, defaults: str
) -> None:
    database: StackDatabase = make_empty_database()
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        try:
            admin.execute(f"create role {DEPLOYER} nologin".encode())
            admin.execute(
                SQL("grant create on database {} to deployer").format(Identifier(admin.info.dbname))
            )
            admin.execute(b"grant usage, create on schema public to deployer")
            if defaults == "old":
                for kind in ("tables", "functions", "sequences"):
                    admin.execute(
                        "alter default privileges for role deployer in schema public"
                        f" grant all on {kind} to anon, authenticated, service_role".encode()
                    )
            with admin.transaction():
                admin.execute(b"set local session authorization deployer")
                apply_migrations(admin)

            assert _opened(admin) == []
            admin.execute(b"set role service_role")
            admin.execute(b"select public.parlant_create_collection('own_', 'notes')")
            admin.execute(b"select public.parlant_insert_one('own_', 'notes', '{\"id\": \"n\"}')")
            admin.execute(b"reset role")
        finally:
            admin.execute(b"reset session authorization")
            admin.execute(b"drop owned by deployer cascade")
            admin.execute(b"drop role deployer")


def _opened(connection: psycopg.Connection) -> list[str]:
    """What the public roles may use of what was deployed."""
    rows = connection.execute(
        """
        select c.oid::regclass::text from pg_class as c, unnest('{anon,authenticated}'::text[]) as r
        where c.relnamespace in ('public'::regnamespace, 'parlant_internal'::regnamespace)
        and c.relkind in ('r', 'v') and has_table_privilege(r, c.oid, 'select, insert')
        union all
        select p.oid::regprocedure::text
        from pg_proc as p, unnest('{anon,authenticated}'::text[]) as r
        where p.pronamespace in ('public'::regnamespace, 'parlant_internal'::regnamespace)
        and p.proname not like 'pgrst%%' and has_function_privilege(r, p.oid, 'execute')
        """
    ).fetchall()
    return [name for (name,) in rows]
