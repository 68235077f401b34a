"""`parlant-supabase expire`: what has been idle for long goes, and nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.cli import expire as expire_command
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseStores
from parlant_supabase.transfer.archive import End

from tests.cli.conftest import Invoke
from tests.cli.people import (
    MARKER,
    People,
    digest_without,
    make_people,
    rows_with,
)


@pytest.fixture
async def people(stores: SupabaseStores, sql: psycopg.Connection, prefix: str) -> People:
    """Two customers, of whom the first was last heard of a hundred days ago."""
    people = await make_people(stores, sql, prefix)
    long_ago = (datetime.now(timezone.utc) - timedelta(days=100)).isoformat()
    for table, field in (("s_sessions", "id"), ("s_events", "session_id")):
        sql.execute(
            f"update public.{prefix}{table} set data = data || jsonb_build_object("  # noqa: S608
            f"'creation_utc', %s::text) where data ->> '{field}' = %s",
            [long_ago, people.ann_session],
        )
    return people


def test_that_it_says_what_would_go_and_changes_nothing(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    before = digest_without(sql, people.prefix, "no such word")

    result = invoke("expire", "--older-than", "90d", *people.options, **connection)

    assert "1 session with 5 events and 0 failed documents older than 90d" in result.stdout
    assert "nothing was changed" in result.stdout
    assert digest_without(sql, people.prefix, "no such word") == before


def test_that_idle_sessions_go_and_others_stay(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    others = digest_without(sql, people.prefix, people.ann_session)

    result = invoke("expire", "--older-than", "90d", "--yes", *people.options, **connection)

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, people.ann_session) == {}
    assert digest_without(sql, people.prefix, people.ann_session) == others


@pytest.mark.parametrize(
    ("options", "sessions"),
    [
        (("--keep-tag", "gold"), 0),
        (("--keep-tag", "silver"), 1),
        (("--label", "vip"), 1),
        (("--label", "x"), 0),
    ],
)
def test_that_tags_and_labels_choose(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    options: tuple[str, ...],
    sessions: int,
) -> None:
    result = invoke(
        "expire", "--older-than", "90d", "--json", *options, *people.options, **connection
    )

    assert json.loads(result.stdout)["sessions"] == sessions


def test_that_failed_documents_go_by_their_age(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    sql.execute(
        f"update public.{people.prefix}v_values_failed_migrations"  # noqa: S608
        " set failed_at = now() - interval '91 days 0.12345 seconds' where data ->> 'data' = %s",
        [MARKER],
    )

    result = invoke(
        "expire", "--older-than", "90d", "--yes", "--json", *people.options, **connection
    )

    summary = json.loads(result.stdout)
    assert summary["failed_documents"] == 1
    assert summary["erased"][f"{people.prefix}v_values_failed_migrations"] == 1


def test_that_cached_values_go_by_their_last_use(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    prefix = f"{people.prefix}s_"
    table = f"{prefix}cached_evaluations"
    sql.execute("select public.parlant_open_cache(%s, '1')", [prefix])
    sql.execute(
        "select public.parlant_save_cached(%s, 'cached_evaluations', '1', %s)",
        [prefix, json.dumps({"old": "1", "new": "2"})],
    )
    sql.execute(
        f"update public.{table} set data = data"  # noqa: S608
        " || '{\"last_used_utc\": \"2026-01-01T00:00:00+00:00\"}' where id = 'old'"
    )
    options = ("expire", "--older-than", "90d", *people.options)

    said = invoke(*options, **connection).stdout
    summary = json.loads(invoke(*options, "--yes", "--json", **connection).stdout)

    assert "older than 90d, and 1 cached value unused for as long would be erased" in said
    assert summary["cached_values"] == 1
    assert summary["erased"][table] == 1
    left = sql.execute(f"select id from public.{table}").fetchall()  # noqa: S608
    assert left == [("new",)]


def test_that_what_was_archived_can_be_imported_again(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
    tmp_path: Path,
) -> None:
    file = tmp_path / "old.jsonl"
    before = rows_with(sql, people.prefix, people.ann_session)

    invoke(
        "expire",
        "--older-than",
        "90d",
        "--yes",
        "--archive",
        str(file),
        *people.options,
        **connection,
    )
    assert rows_with(sql, people.prefix, people.ann_session) == {}
    result = invoke("import", str(file), **connection)

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, people.ann_session) == before


def test_that_nothing_goes_when_the_archive_is_not_as_it_was_written(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = digest_without(sql, people.prefix, "no such word")
    monkeypatch.setattr(expire_command, "check", lambda path: End(0, 0, ""))

    with pytest.raises(CommandError, match="not as it was written; nothing was erased"):
        invoke(
            "expire",
            "--older-than=90d",
            "--yes",
            f"--archive={tmp_path / 'old'}",
            *people.options,
            **connection,
        )

    assert digest_without(sql, people.prefix, "no such word") == before


@pytest.mark.parametrize("age", ["90", "d", "0d", "-1d", "1y", "9999999999w"])
def test_that_what_is_no_age_is_refused(
    invoke: Invoke, connection: dict[str, str], age: str
) -> None:
    with pytest.raises(CommandError):
        invoke("expire", f"--older-than={age}", **connection)


def test_that_the_schedule_to_copy_runs(
    people: People, sql: psycopg.Connection, stack: LocalStack
) -> None:
    script = (find_project() / "supabase" / "opt-in" / "expire.sql").read_text("utf-8")
    script = script.replace("parlant_sessions_", f"{people.prefix}s_")
    script = script.replace("parlant_customers_", f"{people.prefix}c_")
    script = script.replace("parlant_context_variables_", f"{people.prefix}v_")
    script = script.replace("create extension if not exists pg_cron;", "")
    others = digest_without(sql, people.prefix, people.ann_session)

    with psycopg.connect(stack.database_url) as connection:
        # The part of pg_cron that the file uses: no local Postgres has the extension.
        connection.execute("create schema cron")
        connection.execute("create table cron.job (jobname text, schedule text, command text)")
        connection.execute(
            "create function cron.schedule(text, text, text) returns bigint language sql as"
            " $$insert into cron.job values ($1, $2, $3); select 1::bigint$$"
        )
        connection.execute(script.encode())
        for (command,) in connection.execute("select command from cron.job").fetchall():
            connection.execute(command.encode())
        connection.execute("drop schema cron cascade")

    assert rows_with(sql, people.prefix, people.ann_session) == {}
    assert digest_without(sql, people.prefix, people.ann_session) == others
