"""The waits of the session listener, on a session store without a database."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any, cast

import pytest
from parlant.core.async_utils import Timeout
from parlant.core.sessions import Event, EventId, EventKind, EventSource, SessionId
from parlant_supabase.stores import SupabaseSessionListener, SupabaseSessionStore
from parlant_supabase.stores.event_notices import EventNotices
from parlant_supabase.stores.watches import EventWatch, StreamWatch

from tests.waiting import until

_trace: ContextVar[str] = ContextVar("trace", default="")


class FakeSessionStore:
    """Answers looks with what the test says has arrived or fails, and notes who asked."""

    def __init__(self) -> None:
        self.arrived: set[str] = set()
        self.failing: dict[str, Exception] = {}
        self.broken: Exception | None = None
        self.looks: list[tuple[str, list[str]]] = []
        self.watches: list[EventWatch] = []
        self.looked = asyncio.Condition()
        self.looking: asyncio.Future[None] | None = None
        self._notices = EventNotices()

    async def _check_events(self, watches: Sequence[EventWatch]) -> list[bool | Exception]:
        self.watches = [*watches]
        session_ids = [watch.session_id for watch in watches]
        async with self.looked:
            self.looks.append((_trace.get(), [str(session_id) for session_id in session_ids]))
            self.looked.notify_all()
        if self.looking is not None:
            await self.looking
        if self.broken is not None:
            raise self.broken
        return [self.failing.get(each, each in self.arrived) for each in session_ids]

    async def _check_streams(self, watches: Sequence[StreamWatch]) -> list[bool | Exception]:
        return [False] * len(watches)

    async def look_for(self, *session_ids: str) -> str:
        """The trace of the next look that is for these sessions."""
        seen = len(self.looks)

        def traces() -> list[str]:
            return [trace for trace, ids in self.looks[seen:] if ids == [*session_ids]]

        async with self.looked:
            await asyncio.wait_for(self.looked.wait_for(lambda: bool(traces())), 30)
        return traces()[0]


@pytest.fixture
def store() -> FakeSessionStore:
    return FakeSessionStore()


@pytest.fixture
def listener(store: FakeSessionStore) -> SupabaseSessionListener:
    return SupabaseSessionListener(cast(SupabaseSessionStore, store))


async def wait(listener: SupabaseSessionListener, trace: str, session_id: str, **more: Any) -> bool:
    """Waits as a client whose requests have a trace of their own."""
    _trace.set(trace)
    return await listener.wait_for_more_events(SessionId(session_id), **more)


async def test_that_a_shared_look_has_no_clients_trace(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    first = asyncio.create_task(wait(listener, "first", "s1"))
    second = asyncio.create_task(wait(listener, "second", "s2"))

    assert await store.look_for("s1", "s2") == ""

    store.arrived.add("s1")
    assert await first
    assert await store.look_for("s2") == ""
    store.arrived.add("s2")
    assert await second
    assert store.looks[:2] == [("first", ["s1"]), ("second", ["s2"])]


async def test_that_a_look_of_a_clients_own_has_its_trace(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    assert not await wait(listener, "mine", "s1", timeout=Timeout(0.01))

    assert store.looks == [("mine", ["s1"])] * 2


async def test_that_what_is_there_is_found_without_a_shared_look(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    store.arrived.add("s1")

    assert await wait(listener, "mine", "s1") is True
    assert store.looks == [("mine", ["s1"])]
    assert listener._events.looking is None


async def test_that_a_wait_of_no_time_is_one_look(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    assert await wait(listener, "mine", "s1", timeout=Timeout.none()) is False
    assert store.looks == [("mine", ["s1"])]
    assert listener._events.looking is None


async def test_that_the_watch_is_what_the_client_asked_for(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    await listener.wait_for_more_events(
        SessionId("s1"),
        [EventKind.MESSAGE],
        3,
        EventSource.AI_AGENT,
        "t1",
        Timeout.none(),
    )

    assert store.watches == [
        EventWatch(SessionId("s1"), EventSource.AI_AGENT, "t1", [EventKind.MESSAGE], 3)
    ]


async def test_that_an_event_at_the_last_moment_is_found(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    # No shared look will find it.
    listener._events.seconds_between = 3600
    waiting = asyncio.create_task(wait(listener, "mine", "s1", timeout=Timeout(1)))
    await store.look_for("s1")
    store.arrived.add("s1")

    assert await waiting is True
    assert len(store.looks) == 2
    assert listener._events.looking is not None
    listener._events.looking.cancel()


async def test_that_an_error_of_ones_own_look_is_raised(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    store.failing["s1"] = ValueError("no such session")

    with pytest.raises(ValueError, match="no such session"):
        await wait(listener, "mine", "s1")
    assert listener._events.waiting == {}


async def test_that_each_client_hears_of_its_own_session(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    waits = [asyncio.create_task(wait(listener, id, id)) for id in ("s1", "s2", "s3", "s4")]
    await store.look_for("s1", "s2", "s3", "s4")

    waits[3].cancel()
    store.arrived.add("s1")
    store.failing["s2"] = ValueError("deleted")

    assert await waits[0] is True
    with pytest.raises(ValueError, match="deleted"):
        await waits[1]
    assert not waits[2].done()
    assert len(listener._events.waiting) == 1
    store.arrived.add("s3")
    assert await waits[2] is True


async def test_that_whoever_waits_hears_of_a_look_that_fails(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    waits = [asyncio.create_task(wait(listener, id, id)) for id in ("s1", "s2")]
    await store.look_for("s1", "s2")
    store.broken = ConnectionError("closed")

    for each in waits:
        with pytest.raises(ConnectionError, match="closed"):
            await each


async def test_that_looking_ends_with_the_last_client_and_begins_again(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    for id in ("s1", "s2"):
        waiting = asyncio.create_task(wait(listener, id, id))
        await store.look_for(id)
        await store.look_for(id)
        looking = listener._events.looking
        assert looking is not None
        store.arrived.add(id)
        assert await waiting is True
        await asyncio.wait_for(looking, 30)
        assert listener._events.looking is None
        assert listener._events.waiting == {}


async def test_that_looks_are_a_quarter_of_a_second_apart(
    store: FakeSessionStore, listener: SupabaseSessionListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noting(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("parlant_supabase.stores.shared_looks.asyncio.sleep", noting)
    waiting = asyncio.create_task(wait(listener, "s1", "s1"))
    await store.look_for("s1")
    await store.look_for("s1")
    store.arrived.add("s1")

    assert await waiting
    assert set(pauses) == {0.25}


def event(**more: Any) -> Event:
    given = {
        "id": EventId("e1"),
        "source": EventSource.AI_AGENT,
        "kind": EventKind.MESSAGE,
        "offset": 3,
        "creation_utc": datetime(2026, 1, 2, tzinfo=timezone.utc),
        "trace_id": "t1",
        "data": {},
        "metadata": {},
        "deleted": False,
    }
    return Event(**{**given, **more})


@pytest.fixture
def no_shared_look(listener: SupabaseSessionListener) -> Iterator[None]:
    """Whoever is woken is woken by what this server has written."""
    listener._events.seconds_between = listener._streams.seconds_between = 3600
    yield
    for looks in (listener._events, listener._streams):
        if looks.looking is not None:
            looks.looking.cancel()


@pytest.mark.usefixtures("no_shared_look")
async def test_that_what_this_server_writes_wakes_whoever_waits_for_it(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    waits = [asyncio.create_task(wait(listener, id, id)) for id in ("s1", "s1", "s2")]
    await until(lambda: len(listener._events.waiting) == 3, "three waiting clients")

    store._notices.event_created(SessionId("s1"), event())

    assert await asyncio.gather(*waits[:2]) == [True, True]
    assert not waits[2].done()
    assert len(store.looks) == 3
    waits[2].cancel()


@pytest.mark.usefixtures("no_shared_look")
async def test_that_what_is_written_during_the_first_look_is_not_missed(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    store.looking = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(wait(listener, "s1", "s1"))
    await until(lambda: bool(store.looks), "the first look")

    store._notices.event_created(SessionId("s1"), event())
    store.looking.set_result(None)

    assert await waiting is True
    assert len(store.looks) == 1


@pytest.mark.parametrize(
    ("watch", "is_met"),
    [
        ({}, True),
        ({"source": EventSource.AI_AGENT}, True),
        ({"source": EventSource.CUSTOMER}, False),
        ({"trace_id": "t1"}, True),
        ({"trace_id": ""}, True),
        ({"trace_id": "t2"}, False),
        ({"kinds": [EventKind.TOOL, EventKind.MESSAGE]}, True),
        ({"kinds": [EventKind.TOOL]}, False),
        ({"min_offset": 3}, True),
        ({"min_offset": 4}, False),
    ],
)
def test_that_a_watch_is_met_as_the_database_would_say(watch: Any, is_met: bool) -> None:
    assert EventWatch(SessionId("s1"), **watch).is_met_by(SessionId("s1"), event()) is is_met
    assert not EventWatch(SessionId("s2"), **watch).is_met_by(SessionId("s1"), event())
    assert not EventWatch(SessionId("s1"), **watch).is_met_by(SessionId("s1"), event(deleted=True))


@pytest.mark.parametrize(
    ("data", "to_its_end", "beyond_two_chunks"),
    [
        ({"chunks": []}, False, False),
        ({"chunks": ["a", "b"]}, False, False),
        ({"chunks": ["a", "b", "c"]}, False, True),
        ({"chunks": [None]}, True, True),
        ({"chunks": ["a", "b", None]}, True, True),
        ({"message": "whole"}, True, True),
        ("text", True, True),
        (None, True, True),
    ],
)
def test_that_a_stream_is_watched_to_its_end_or_to_its_next_chunk(
    data: Any, to_its_end: bool, beyond_two_chunks: bool
) -> None:
    session_id, event_id = SessionId("s1"), EventId("e1")

    assert StreamWatch(session_id, event_id).is_met_by(event(data=data)) is to_its_end
    assert StreamWatch(session_id, event_id, 2).is_met_by(event(data=data)) is beyond_two_chunks


@pytest.mark.usefixtures("no_shared_look")
async def test_that_a_chunk_of_this_server_wakes_whoever_waits_for_it(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    of_the_stream = (SessionId("s1"), EventId("e1"))
    end = asyncio.create_task(listener.wait_for_event_completion(*of_the_stream))
    chunk = asyncio.create_task(listener.wait_for_new_streaming_chunks(*of_the_stream, 1))
    other = asyncio.create_task(listener.wait_for_event_completion(SessionId("s1"), EventId("e2")))
    await until(lambda: len(listener._streams.waiting) == 3, "three waiting clients")

    store._notices.event_updated(SessionId("s1"), event(data={"chunks": ["a", "b"]}))
    assert await chunk is True
    assert not end.done()

    store._notices.event_updated(SessionId("s1"), event(data={"chunks": ["a", "b", None]}))
    assert await end is True
    assert not other.done()
    other.cancel()


def test_that_a_listener_that_is_gone_hears_nothing(store: FakeSessionStore) -> None:
    SupabaseSessionListener(cast(SupabaseSessionStore, store))
    gc.collect()

    store._notices.event_created(SessionId("s1"), event())
    assert len(store._notices._listeners) == 0
