"""Tables that somebody else prepared, with code that would run as the owner on adoption."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

SHAPE = """(
  id text primary key, version text, creation_utc text,
  session_id text, customer_id text, agent_id text, data jsonb
)"""
TRAP = """
    create function trap.spring() returns trigger language plpgsql as $$
    begin
      raise exception 'the trap ran as %', current_user;
    end;
    $$
"""


@pytest.fixture
def connection(deployed: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A transaction as `postgres`; beside it there is a role with SQL and a schema of its own."""
    with (
        psycopg.connect(deployed.admin_url) as admin,
        admin.transaction(force_rollback=True),
    ):
        admin.execute("create role intern")
        admin.execute("grant create on schema public to intern")
        admin.execute("create schema trap authorization intern")
        admin.execute("grant usage on schema trap to public")
        admin.execute("set local role intern")
        admin.execute(TRAP)
        admin.execute("set local role postgres")
        yield admin


def adopt(connection: psycopg.Connection) -> None:
    connection.execute("set local role service_role")
    connection.execute("select public.parlant_get_or_create_collection('bait_', 'notes')")


def refusal(connection: psycopg.Connection) -> psycopg.errors.Diagnostic:
    with pytest.raises(psycopg.Error) as caught:
        adopt(connection)
    assert caught.value.sqlstate == "PD007", caught.value
    return caught.value.diag


@pytest.mark.parametrize("table", ["bait_notes", "bait_notes_failed_migrations"])
def test_that_a_table_of_another_role_is_not_adopted(
    connection: psycopg.Connection, table: str
) -> None:
    connection.execute("set local role intern")
    shape = SHAPE.replace(" primary key", "") if table.endswith("migrations") else SHAPE
    connection.execute(f"create table public.{table} {shape}".encode())
    connection.execute("set local role postgres")

    diagnosis = refusal(connection)

    assert diagnosis.message_primary == f"{table} exists and belongs to the role intern"
    assert f'"alter table public.{table} owner to postgres"' in (diagnosis.message_hint or "")


def test_that_a_trigger_of_another_role_is_refused_and_named(
    connection: psycopg.Connection,
) -> None:
    connection.execute(f"create table public.bait_notes {SHAPE}".encode())
    connection.execute("insert into public.bait_notes (id, data) values ('a', '{}')")
    # As older projects grant on every table.
    connection.execute("grant trigger on public.bait_notes to intern")
    connection.execute("set local role intern")
    connection.execute(
        "create trigger zzz before update on public.bait_notes"
        " for each row execute function trap.spring()"
    )

    diagnosis = refusal(connection)

    assert diagnosis.message_primary == "bait_notes exists and has triggers of another role"
    assert "zzz, which calls trap.spring() of intern" in (diagnosis.message_detail or "")
    assert '"drop trigger zzz on public.bait_notes"' in (diagnosis.message_hint or "")


def test_that_triggers_rules_and_defaults_of_the_owner_stay(
    connection: psycopg.Connection,
) -> None:
    connection.execute(f"create table public.bait_notes {SHAPE}".encode())
    connection.execute("alter table public.bait_notes add column note text default 'mine'")
    connection.execute("create table public.bait_log (id text)")
    connection.execute(
        "create rule log_deleted as on delete to public.bait_notes"
        " do also insert into public.bait_log values ('some')"
    )
    connection.execute(
        "create function public.bait_touch() returns trigger language plpgsql as"
        " $$ begin new.note := 'touched'; return new; end; $$"
    )
    connection.execute(
        "create trigger touch before update on public.bait_notes"
        " for each row execute function public.bait_touch()"
    )
    connection.execute("insert into public.bait_notes (id, data) values ('a', '{}')")

    adopt(connection)

    connection.execute("set local role postgres")
    notes = connection.execute("select note from public.bait_notes").fetchall()
    kept = connection.execute(
        "select (select count(*) from pg_rewrite where rulename = 'log_deleted'),"
        " (select count(*) from pg_trigger where tgname = 'touch')"
    ).fetchone()
    assert notes == [("touched",)]
    assert kept == (1, 1)
