"""The shared look of the session listener, on a session store without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, cast

import pytest
from parlant.core.async_utils import Timeout
from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant_supabase.stores import SupabaseSessionListener, SupabaseSessionStore
from parlant_supabase.stores.session_store import EventWatch

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

    async def _check_events(self, watches: Sequence[EventWatch]) -> list[bool | Exception]:
        self.watches = [*watches]
        session_ids = [watch.session_id for watch in watches]
        async with self.looked:
            self.looks.append((_trace.get(), [str(session_id) for session_id in session_ids]))
            self.looked.notify_all()
        if self.broken is not None:
            raise self.broken
        return [self.failing.get(each, each in self.arrived) for each in session_ids]

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
    assert listener._looking is None


async def test_that_a_wait_of_no_time_is_one_look(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    assert await wait(listener, "mine", "s1", timeout=Timeout.none()) is False
    assert store.looks == [("mine", ["s1"])]
    assert listener._looking is None


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
    store: FakeSessionStore, listener: SupabaseSessionListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No shared look will find it.
    monkeypatch.setattr("parlant_supabase.stores.session_listener._SECONDS_BETWEEN_LOOKS", 3600)
    waiting = asyncio.create_task(wait(listener, "mine", "s1", timeout=Timeout(1)))
    await store.look_for("s1")
    store.arrived.add("s1")

    assert await waiting is True
    assert len(store.looks) == 2
    assert listener._looking is not None
    listener._looking.cancel()


async def test_that_an_error_of_ones_own_look_is_raised(
    store: FakeSessionStore, listener: SupabaseSessionListener
) -> None:
    store.failing["s1"] = ValueError("no such session")

    with pytest.raises(ValueError, match="no such session"):
        await wait(listener, "mine", "s1")
    assert listener._waiting == {}


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
    assert len(listener._waiting) == 1
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
        looking = listener._looking
        assert looking is not None
        store.arrived.add(id)
        assert await waiting is True
        await asyncio.wait_for(looking, 30)
        assert listener._looking is None
        assert listener._waiting == {}


async def test_that_looks_are_a_quarter_of_a_second_apart(
    store: FakeSessionStore, listener: SupabaseSessionListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noting(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("parlant_supabase.stores.session_listener.asyncio.sleep", noting)
    waiting = asyncio.create_task(wait(listener, "s1", "s1"))
    await store.look_for("s1")
    await store.look_for("s1")
    store.arrived.add("s1")

    assert await waiting
    assert set(pauses) == {0.25}
