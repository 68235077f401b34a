"""`parlant-supabase sessions`: conversations as a support engineer reads them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest
from parlant.core.sessions import EventKind, EventSource
from parlant_supabase.cli.errors import CommandError
from parlant_supabase.stores import SupabaseStores

from tests.cli.conftest import Invoke
from tests.cli.people import MARKER, People


def test_that_sessions_are_listed_the_newest_first(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    result = invoke("sessions", "list", "--json", people.options[0], **connection)

    sessions = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["id"] for each in sessions] == [people.bob_session, people.ann_session]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--customer", "ann"), ["ann"]),
        (("--agent", "support", "--limit", "1"), ["bob"]),
        (("--agent", "x"), []),
        (("--label", "vip"), ["bob", "ann"]),
        (("--label", "x"), []),
        (("--since", "2020-01-01"), ["bob", "ann"]),
        (("--since", "2999-01-01"), []),
    ],
)
def test_that_options_choose_sessions(
    people: People,
    invoke: Invoke,
    connection: dict[str, str],
    options: tuple[str, ...],
    names: list[str],
) -> None:
    chosen = [people.ann if option == "ann" else option for option in options]
    result = invoke("sessions", "list", "--json", *chosen, people.options[0], **connection)

    of_name = {"ann": people.ann_session, "bob": people.bob_session}
    found = [json.loads(line)["id"] for line in result.stdout.splitlines()]
    assert found == [of_name[name] for name in names]


def test_that_a_person_gets_a_table(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    result = invoke("sessions", "list", people.options[0], COLUMNS="200", **connection)

    assert f"{MARKER} calls" in result.stdout


def test_that_a_conversation_is_shown(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    result = invoke("sessions", "show", people.ann_session, people.options[0], **connection)

    lines = result.stdout.splitlines()
    assert [line[21:] for line in lines] == [
        f"Ann {MARKER}: I am <b>{MARKER}</b>",
        f'[shop:find] {{"who": "{MARKER}"}} → {MARKER}',
        f"Support: Hello {MARKER}",
        f'[Customer] {{"clicked": "{MARKER}"}} (deleted)',
    ]


def test_that_a_session_that_is_not_there_is_one_sentence(
    people: People, invoke: Invoke, connection: dict[str, str]
) -> None:
    with pytest.raises(CommandError, match="There is no session x"):
        invoke("sessions", "show", "x", people.options[0], **connection)


async def test_that_new_messages_are_shown_as_they_come(
    people: People, stores: SupabaseStores, connection: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "parlant_supabase.cli", "sessions", "show", "--follow"]
    process = await asyncio.create_subprocess_exec(
        *command,
        people.ann_session,
        people.options[0],
        env={**os.environ, **connection, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    for _ in range(4):
        await process.stdout.readline()
    await stores["session_store"].create_event(
        people.ann_session,
        EventSource.CUSTOMER,
        EventKind.MESSAGE,
        "trace",
        {"message": "one more", "participant": {"display_name": "Ann"}},
    )

    assert (await process.stdout.readline())[21:] == b"Ann: one more\n"
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
