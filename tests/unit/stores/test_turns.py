"""Turns of a server: which writes are theirs, how they end, and what the database is told."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import create_autospec

import pytest
from parlant.core.loggers import Logger
from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant_supabase import PermissionDeniedError, TurnSupersededError, UnavailableError
from parlant_supabase.stores.turns import Turn, Turns

SESSION, OTHER = SessionId("s"), SessionId("other")


@pytest.fixture
def logger() -> Any:
    return create_autospec(Logger, instance=True)


@pytest.fixture
def turns(logger: Any) -> Turns:
    return Turns(logger, lease_seconds=20, fenced=True)


def ask(turns: Turns, session_id: SessionId = SESSION) -> Turn:
    of_turn = turns.of_event(session_id, EventSource.CUSTOMER, EventKind.MESSAGE, "t")
    assert of_turn is not None
    turn, step = of_turn
    assert step == "asks"
    return turn


def status(turns: Turns, session_id: SessionId = SESSION) -> tuple[Turn, str | None] | None:
    return turns.of_event(session_id, EventSource.AI_AGENT, EventKind.STATUS, "t")


async def accept(_: dict[str, Any] | None) -> str:
    return "written"


async def test_that_the_message_of_a_customer_and_what_its_task_writes_are_one_turn(
    turns: Turns,
) -> None:
    turn = ask(turns)
    assert status(turns) is None, "nobody has dispatched it"

    assert turns.dispatch(SESSION) is turn
    assert await asyncio.create_task(asyncio.to_thread(lambda: status(turns))) == (turn, None)
    assert status(turns, OTHER) is None

    turns.dispatched()
    assert status(turns) is None, "the request goes on outside the turn"
    assert turn.trace_id == "t"


async def test_that_a_turn_without_a_message_begins_by_itself(turns: Turns) -> None:
    turn = turns.dispatch(SESSION)
    told: list[Any] = []

    async def note(of_turn: dict[str, Any] | None) -> str:
        told.append(of_turn and of_turn["step"])
        return "written"

    for _ in range(2):
        await turns.write(turn, turns.step_of(turn), note)

    assert told == ["begins", "goes on"]


async def test_that_messages_of_people_are_of_no_turn(turns: Turns) -> None:
    assert turns.of_event(SESSION, EventSource.HUMAN_AGENT, EventKind.MESSAGE, "t") is None


async def test_that_a_refused_turn_is_cancelled_and_sends_nothing_more(turns: Turns) -> None:
    turn = turns.dispatch(SESSION)
    turns.started(turn, asyncio.create_task(asyncio.sleep(3600)))
    calls = 0

    async def refuse(_: dict[str, Any] | None) -> str:
        nonlocal calls
        calls += 1
        raise TurnSupersededError("newer")

    assert await turns.write(turn, "goes on", refuse) is None
    assert await turns.write(turn, "goes on", refuse) is None
    assert turn.task is not None
    await asyncio.wait([turn.task])

    assert calls == 1
    assert turn.task.cancelled()
    assert turns.known == []
    assert turns.outcomes == {}


@pytest.mark.parametrize(
    ("attribute", "outcome"),
    [
        (None, "ended"),
        ("is_interrupted", "released"),
        ("has_failed", "failed"),
        ("has_ended", None),
    ],
)
async def test_that_the_database_is_told_how_a_turn_ended(
    turns: Turns, attribute: str | None, outcome: str | None
) -> None:
    turn = turns.dispatch(SESSION)
    turns.started(turn, asyncio.create_task(asyncio.sleep(0)))
    if attribute is not None:
        setattr(turn, attribute, True)
    assert turn.task is not None
    await asyncio.wait([turn.task])
    await asyncio.sleep(0)

    assert list(turns.outcomes.values()) == ([outcome] if outcome else [])
    assert turns.known == []


async def test_that_a_turn_before_a_newer_one_needs_no_end(turns: Turns) -> None:
    turn = turns.dispatch(SESSION)
    turns.started(turn, asyncio.create_task(asyncio.sleep(0)))
    turns.dispatched()
    ask(turns)
    assert turn.task is not None
    await asyncio.wait([turn.task])
    await asyncio.sleep(0)

    assert turns.outcomes == {}


async def test_that_a_database_that_keeps_no_turns_is_written_to_without(
    turns: Turns, logger: Any
) -> None:
    turn = ask(turns)

    async def deny(of_turn: dict[str, Any] | None) -> str:
        if of_turn is not None:
            raise PermissionDeniedError("turns")
        return "written"

    assert await turns.write(turn, "asks", deny) == "written"
    assert turns.is_off
    assert turns.of_event(SESSION, EventSource.CUSTOMER, EventKind.MESSAGE, "t") is None
    [warning] = logger.warning.call_args_list
    assert "keeps no turns" in warning.args[0]


async def test_that_a_message_that_was_not_written_is_no_turn(turns: Turns) -> None:
    turn = ask(turns)

    async def fail(_: dict[str, Any] | None) -> str:
        raise UnavailableError("down")

    with pytest.raises(UnavailableError):
        await turns.write(turn, "asks", fail)

    assert turns.known == []
