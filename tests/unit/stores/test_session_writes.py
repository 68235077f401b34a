"""Deferred writes of sessions: their order, their requests and their errors, without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from parlant.core.sessions import SessionId
from parlant_supabase.stores import session_writes
from parlant_supabase.stores.session_writes import (
    SessionWrites,
    Write,
    Written,
    begin_turn,
    deferring,
    is_deferring,
    is_in_turn,
)

from tests.waiting import until, within_limit

S1, S2 = SessionId("s1"), SessionId("s2")


class Database:
    """Notes what each request writes; holds requests back and fails them as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[str]]] = []
        self.failures: dict[str, Exception] = {}
        self.reported: list[tuple[str, str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.offset = 0
        self.writes = SessionWrites(self.write, self.report)

    async def write(self, session_id: SessionId, group: Sequence[Write]) -> list[Written]:
        names = [name_of(write) for write in group]
        self.requests.append((session_id, names))
        await self.open.wait()
        for name in names:
            if name in self.failures:
                raise self.failures.pop(name)
        written = []
        for write in group:
            written.append(Written(self.offset if write.event else None, session=name_of(write)))
            self.offset += 1 if write.event else 0
        return written

    def report(self, session_id: SessionId, error: Exception) -> None:
        self.reported.append((session_id, str(error)))

    def defer(self, name: str, session_id: SessionId = S1) -> None:
        self.writes.defer(session_id, event(name))

    def hurry(self) -> asyncio.Task[None]:
        """Has what is deferred sent; the task ends when all of it is written."""
        queue = self.writes._queues[S1]
        queue.waiting += 1
        queue.hurry.set()
        return queue.task

    async def until_written(self, count: int) -> None:
        await until(lambda: len(self.requests) >= count, f"{count} requests")


def event(name: str, **more: Any) -> Write:
    return Write(event={"id": name}, **more)


def name_of(write: Write) -> str:
    return str(write.event["id"]) if write.event else "update"


@pytest.fixture
async def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    # Nothing is sent because of time, unless the test says so.
    monkeypatch.setattr(session_writes, "_LINGER_SECONDS", 3600)
    return Database()


async def in_turn(steps: Coroutine[Any, Any, None]) -> None:
    async def turn() -> None:
        begin_turn()
        await steps

    await within_limit(asyncio.create_task(turn()), "the turn")


async def test_that_a_lone_write_is_made_at_once(database: Database) -> None:
    written = await database.writes.make(S1, event("message"))

    assert written == Written(0, session="message")
    assert database.requests == [("s1", ["message"])]


async def test_that_what_is_deferred_goes_before_what_comes_after(database: Database) -> None:
    for name in ("acknowledged", "typing"):
        database.defer(name)
    assert database.requests == []

    message = await database.writes.make(S1, event("message"))
    database.defer("ready")
    update = await database.writes.make(S1, Write(params={"mode": "auto"}))

    assert (message.offset, update.session) == (2, "update")
    assert database.requests == [
        ("s1", ["acknowledged", "typing", "message"]),
        ("s1", ["ready", "update"]),
    ]


async def test_that_what_is_deferred_is_written_soon(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_writes, "_LINGER_SECONDS", 0.001)
    database.defer("acknowledged")
    database.defer("typing")

    await database.until_written(1)

    assert database.requests == [("s1", ["acknowledged", "typing"])]


async def test_that_one_request_of_a_session_is_under_way(database: Database) -> None:
    database.open.clear()
    database.defer("first")
    flushing = asyncio.create_task(database.writes.flush(S1))
    await database.until_written(1)

    database.defer("second")
    making = asyncio.create_task(database.writes.make(S1, event("message")))
    database.defer("other", S2)
    other = asyncio.create_task(database.writes.flush(S2))
    await database.until_written(2)
    assert database.requests == [("s1", ["first"]), ("s2", ["other"])]

    database.open.set()
    await within_limit(asyncio.gather(flushing, making, other), "all of them")
    assert database.requests[2:] == [("s1", ["second", "message"])]


async def test_that_changes_of_the_session_end_a_request(database: Database) -> None:
    database.defer("ready")
    update = asyncio.create_task(database.writes.make(S1, Write(params={})))
    await asyncio.sleep(0)
    database.defer("acknowledged")
    await update
    await database.writes.flush(S1)

    assert database.requests == [("s1", ["ready", "update"]), ("s1", ["acknowledged"])]


@pytest.mark.parametrize("difference", ["fence", "turn"])
async def test_that_writes_of_two_turns_are_two_requests(
    database: Database, difference: str
) -> None:
    database.writes.defer(S1, event("first", **{difference: "x"}))
    database.writes.defer(S1, event("second", **{difference: "y"}))
    await database.writes.flush(S1)

    assert database.requests == [("s1", ["first"]), ("s1", ["second"])]


async def test_that_a_request_holds_what_the_database_takes(database: Database) -> None:
    for number in range(51):
        database.defer(str(number))
    await database.writes.flush(S1)

    assert [len(names) for _, names in database.requests] == [50, 1]


async def test_that_an_error_is_raised_at_the_next_write_which_is_not_made(
    database: Database,
) -> None:
    database.failures["acknowledged"] = ValueError("lost")

    async def turn() -> None:
        database.defer("acknowledged")
        await asyncio.wait([database.hurry()])
        with pytest.raises(ValueError, match="lost"):
            await database.writes.make(S1, event("message"))
        await database.writes.make(S1, event("error"))

    await in_turn(turn())
    assert database.requests == [("s1", ["acknowledged"]), ("s1", ["error"])]
    assert database.reported == []


async def test_that_an_error_of_a_request_is_raised_where_it_is_awaited(
    database: Database,
) -> None:
    database.failures["acknowledged"] = ValueError("lost")
    database.defer("acknowledged")

    with pytest.raises(ValueError, match="lost"):
        await database.writes.make(S1, event("message"))

    assert database.requests == [("s1", ["acknowledged", "message"])]
    await database.writes.flush(S1)
    assert database.reported == []


async def test_that_a_write_that_is_queued_behind_an_error_is_not_made(
    database: Database,
) -> None:
    database.failures["acknowledged"] = ValueError("lost")
    database.open.clear()

    async def turn() -> None:
        database.defer("acknowledged")
        database.hurry()
        await database.until_written(1)
        message = asyncio.create_task(database.writes.make(S1, event("message")))
        await asyncio.sleep(0)
        database.open.set()
        with pytest.raises(ValueError, match="lost"):
            await message

    await in_turn(turn())
    assert database.requests == [("s1", ["acknowledged"])]


async def test_that_an_error_of_one_turn_is_not_anothers(database: Database) -> None:
    database.failures["ready"] = ValueError("lost")

    async def fails() -> None:
        database.defer("ready")
        await asyncio.wait([database.hurry()])

    await in_turn(fails())
    await database.writes.make(S1, event("the next message"))

    assert database.requests == [("s1", ["ready"]), ("s1", ["the next message"])]
    assert database.reported == [("s1", "lost")]


async def test_that_the_end_of_a_turn_waits_and_reports(database: Database) -> None:
    database.failures["ready"] = ValueError("lost")

    async def turn() -> None:
        database.defer("ready")
        await database.writes.end_turn(S1)

    await in_turn(turn())
    assert database.requests == [("s1", ["ready"])]
    assert database.reported == [("s1", "lost")]


async def test_that_closing_waits_and_reports(database: Database) -> None:
    database.failures["ready"] = ValueError("lost")
    database.defer("ready")
    database.defer("other", S2)

    await database.writes.close()

    assert sorted(database.requests) == [("s1", ["ready"]), ("s2", ["other"])]
    assert database.reported == [("s1", "lost")]
    await database.writes.close()
    assert len(database.reported) == 1


async def test_that_every_error_is_heard_of(database: Database) -> None:
    for name in ("first", "second"):
        database.failures[name] = ValueError(f"{name} lost")
        database.writes.defer(S1, event(name, turn=name))
    await database.writes.flush(S1)

    assert database.reported == [("s1", "first lost"), ("s1", "second lost")]


async def test_that_a_caller_that_is_cancelled_in_the_queue_has_written_nothing(
    database: Database,
) -> None:
    database.open.clear()
    database.defer("typing")
    first = asyncio.create_task(database.writes.flush(S1))
    await database.until_written(1)
    message = asyncio.create_task(database.writes.make(S1, event("message")))
    await asyncio.sleep(0)
    database.defer("ready")

    message.cancel()
    await asyncio.wait([message])
    database.open.set()
    await within_limit(first, "the rest")

    assert database.requests == [("s1", ["typing"]), ("s1", ["ready"])]


async def test_that_what_has_been_sent_is_written_without_its_caller(database: Database) -> None:
    database.open.clear()
    database.defer("typing")
    message = asyncio.create_task(database.writes.make(S1, event("message")))
    await database.until_written(1)

    message.cancel()
    await asyncio.wait([message])
    database.open.set()
    await within_limit(database.writes.flush(S1), "the request")

    assert database.requests == [("s1", ["typing", "message"])]
    assert database.offset == 2


async def test_that_nothing_waits_when_the_loop_ends(database: Database) -> None:
    database.open.clear()
    database.defer("typing")
    message = asyncio.create_task(database.writes.make(S1, event("message")))
    await database.until_written(1)
    later = asyncio.create_task(database.writes.make(S1, event("later")))
    await asyncio.sleep(0)

    database.writes._queues[S1].task.cancel()

    await asyncio.wait([message, later])
    assert message.cancelled()
    assert later.cancelled()


async def test_that_events_are_as_old_as_their_emission(database: Database) -> None:
    write = event("typing")
    before = write.age
    await asyncio.sleep(0.001)

    assert 0 <= before < write.age


async def test_that_deferring_and_turns_are_the_business_of_their_task() -> None:
    assert not is_deferring()
    assert not is_in_turn()
    with deferring():
        assert is_deferring()
    assert not is_deferring()

    async def turn() -> None:
        assert is_in_turn()

    await in_turn(turn())
    assert not is_in_turn()
