"""`parlant-supabase erase` and `anonymize`: all of one customer, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from parlant.core.common import ItemNotFoundError
from parlant.core.sessions import EventKind, EventSource
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.stores import SupabaseStores

from tests.cli.conftest import Invoke
from tests.cli.people import (
    MARKER,
    People,
    digest_without,
    rows_with,
)

_MANY = 30_000


def test_that_it_lists_what_would_go_and_changes_nothing(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    before = digest_without(sql, people.prefix, "no such word")

    result = invoke("erase", "customer", people.ann, *people.options, **connection)

    assert result.exit_code == 0
    assert f"{people.prefix}s_events" in result.stdout
    assert "would be erased; nothing was changed. Run it again with --yes" in result.stdout
    assert digest_without(sql, people.prefix, "no such word") == before


def test_that_nothing_of_the_customer_is_left_and_everything_of_others(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    hers = (MARKER, people.ann, people.ann_session)
    others = digest_without(sql, people.prefix, *hers)
    stored = sum(rows_with(sql, people.prefix, *hers).values())

    result = invoke(
        "erase", "customer", people.ann, "--yes", "--json", *people.options, **connection
    )

    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert sum(summary["tables"].values()) == stored
    assert rows_with(sql, people.prefix, *hers) == {}
    assert digest_without(sql, people.prefix, *hers) == others


def test_that_a_customer_can_be_erased_twice(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    arguments = ("erase", "customer", people.ann, *people.options)
    invoke(*arguments, "--yes", **connection)

    again = invoke(*arguments, "--yes", **connection)
    look = invoke(*arguments, **connection)

    assert again.exit_code == 0
    assert f"0 rows of customer {people.ann} erased." in again.stdout
    assert f"Nothing is stored of customer {people.ann}." in look.stdout


def test_that_it_says_what_it_cannot_reach(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    result = invoke("erase", "customer", people.ann, "--yes", *people.options, **connection)

    for place in ("backups", "logs", "traces", "language model"):
        assert place in result.stdout


def test_that_the_guest_is_refused(invoke: Invoke, connection: dict[str, str]) -> None:
    for command in ("erase", "anonymize"):
        with pytest.raises(CommandError, match="The guest stands for everybody"):
            invoke(command, "customer", "guest", "--yes", **connection)


def test_that_a_session_goes_and_its_customer_stays(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    others = digest_without(sql, people.prefix, people.ann_session)

    result = invoke(
        "erase",
        "session",
        people.ann_session,
        "--yes",
        f"--session-prefix={people.prefix}s_",
        **connection,
    )

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, people.ann_session) == {}
    assert digest_without(sql, people.prefix, people.ann_session) == others


async def test_that_the_erasure_wins_over_an_agent_that_is_answering(
    people: People,
    stores: SupabaseStores,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
) -> None:
    started = asyncio.Event()

    async def answer() -> None:
        while True:
            await stores["session_store"].create_event(
                people.ann_session,
                EventSource.AI_AGENT,
                EventKind.MESSAGE,
                "trace",
                {"message": MARKER, "participant": {"display_name": "Support"}},
            )
            started.set()

    answering = asyncio.create_task(answer())
    await started.wait()

    result = await asyncio.to_thread(
        invoke, "erase", "customer", people.ann, "--yes", *people.options, **connection
    )

    with pytest.raises(ItemNotFoundError):
        await answering
    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, MARKER, people.ann, people.ann_session) == {}


def test_that_an_erasure_that_was_killed_is_finished_by_the_next(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
) -> None:
    hers = (MARKER, people.ann, people.ann_session)
    others = digest_without(sql, people.prefix, *hers)
    sql.execute(
        f"insert into public.{people.prefix}s_events (data)"  # noqa: S608
        " select jsonb_build_object("
        " 'id', %s::text || n, 'session_id', %s::text, 'creation_utc', '')"
        " from generate_series(1, %s) as n",
        [MARKER, people.ann_session, _MANY],
    )

    def events_left() -> int:
        row = sql.execute(
            f"select count(*) from public.{people.prefix}s_events"  # noqa: S608
            " where session_id = %s",
            [people.ann_session],
        ).fetchone()
        assert row is not None
        return int(row[0])

    command = [sys.executable, "-m", "parlant_supabase.cli", "erase", "customer", people.ann]
    with subprocess.Popen(
        [*command, "--yes", *people.options],
        env={**os.environ, **connection},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while events_left() == _MANY + 5 and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
    customers = sql.execute(
        f"select count(*) from public.{people.prefix}c_customers where id = %s",  # noqa: S608
        [people.ann],
    ).fetchone()
    assert customers == (1,) or events_left() == 0, "the customer goes last"

    result = invoke("erase", "customer", people.ann, "--yes", *people.options, **connection)

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, *hers) == {}
    assert digest_without(sql, people.prefix, *hers) == others


def test_that_an_erasure_while_the_customer_is_imported_touches_nobody_else(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    sql: psycopg.Connection,
    tmp_path: Path,
) -> None:
    hers = (MARKER, people.ann, people.ann_session)
    others = digest_without(sql, people.prefix, *hers)
    file = tmp_path / "ann.jsonl"
    invoke("export", "--customer", people.ann, "-o", str(file), *people.options, **connection)
    erase = ("erase", "customer", people.ann, "--yes", *people.options)
    invoke(*erase, **connection)

    with subprocess.Popen(
        [sys.executable, "-m", "parlant_supabase.cli", "import", str(file)],
        env={**os.environ, **connection},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as importing:
        while importing.poll() is None:
            assert invoke(*erase, **connection).exit_code == 0
        printed = importing.communicate()[0]
    invoke(*erase, **connection)
    # Events that came after their session had gone are found by the session alone.
    invoke("erase", "session", people.ann_session, "--yes", people.options[0], **connection)

    # What was erased before it was read back is said to be missing.
    assert importing.returncode in (0, 1)
    assert "Traceback" not in printed
    assert rows_with(sql, people.prefix, *hers) == {}
    assert digest_without(sql, people.prefix, *hers) == others


def test_that_an_anonymous_customer_takes_the_place_of_the_customer(
    people: People, invoke: Invoke, connection: dict[str, str], sql: psycopg.Connection
) -> None:
    hers = (MARKER, people.ann, people.ann_session)
    others = digest_without(sql, people.prefix, *hers)

    result = invoke("anonymize", "customer", people.ann, "--yes", *people.options, **connection)

    assert result.exit_code == 0
    assert rows_with(sql, people.prefix, MARKER, people.ann) == {}
    assert rows_with(sql, people.prefix, people.ann_session) == {
        f"{people.prefix}s_events": 5,
        f"{people.prefix}s_sessions": 1,
    }
    after = digest_without(sql, people.prefix, people.ann_session, "Anonymous")
    assert after == others


async def test_that_parlant_reads_an_anonymized_session(
    people: People, stores: SupabaseStores, invoke: Invoke, connection: dict[str, str]
) -> None:
    await asyncio.to_thread(
        invoke,
        "anonymize",
        "customer",
        people.ann,
        "--yes",
        "--keep-messages",
        *people.options,
        **connection,
    )

    session = await stores["session_store"].read_session(people.ann_session)
    customer = await stores["customer_store"].read_customer(session.customer_id)
    events = await stores["session_store"].list_events(people.ann_session)

    assert (customer.name, customer.extra, customer.tags) == ("Anonymous", {}, [])
    assert session.labels == {"vip"}
    messages = [event.data for event in events if event.kind is EventKind.MESSAGE]
    assert messages == [
        {
            "message": f"I am <b>{MARKER}</b>",
            "participant": {"id": customer.id, "display_name": "Anonymous"},
        },
        {
            "message": f"Hello {MARKER}",
            "participant": {"id": "support", "display_name": "Support"},
        },
    ]
