"""Code that a caller puts where Postgres looks for names, run by functions of the owner."""

from __future__ import annotations

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

# Types that the functions' bodies name, each a domain that a caller may make for its session.
TYPES = ("text", "jsonb", "name", "oid", "regclass", "timestamptz")

TRAP = """
    create function pg_temp.trap(anyelement) returns boolean
    language plpgsql as $$
    begin
      if current_user <> 'service_role' then
        raise exception 'the trap ran as %', current_user;
      end if;
      return true;
    end;
    $$
"""


@pytest.mark.parametrize(
    "call",
    [
        "public.parlant_create_collection('trap_', 'notes')",
        "public.parlant_ensure_indexes('parlant_sessions_', 'events',"
        ' \'[{"fields": [["kind", "asc"]]}]\')',
        "public.parlant_create_views('trap_', 'trap_', 'trap_', 'trap_')",
        "public.parlant_delete_collection('parlant_customers_', 'customers')",
        "public.parlant_get_or_create_collection('hand_made_', 'notes')",
    ],
)
def test_that_no_type_of_a_callers_session_is_used_by_the_owners_functions(
    deployed: SupervisedDatabase, call: str
) -> None:
    with psycopg.connect(deployed.database_url) as connection:
        connection.execute(
            "create table public.hand_made_notes (id text primary key, version text,"
            " creation_utc text, session_id text, customer_id text, agent_id text, data jsonb)"
        )
        connection.execute("set local role service_role")
        connection.execute(TRAP)
        for name in TYPES:
            connection.execute(
                f"create domain pg_temp.{name} as pg_catalog.{name}"
                " check (pg_temp.trap(value))".encode()
            )

        connection.execute(f"select {call}".encode())
        connection.rollback()
