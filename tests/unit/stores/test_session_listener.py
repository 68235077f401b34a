"""The shared look of the session listener, on a session store without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, cast

import pytest
from parlant.core.async_utils import Timeout
from parlant.core.sessions import SessionId
from parlant_supabase.stores import SupabaseSessionListener, SupabaseSessionStore
from parlant_supabase.stores.session_store import EventWatch

_trace: ContextVar[str] = ContextVar("trace", default="")


class FakeSessionStore:
    """Answers looks with what the test has put into `arrived`, and notes who asked."""

    def __init__(self) -> None:
        self.arrived: set[str] = set()
        self.looks: list[tuple[str, list[str]]] = []
        self.looked = asyncio.Condition()

    async def check_events(self, watches: Sequence[EventWatch]) -> list[bool]:
        session_ids = [watch.session_id for watch in watches]
        async with self.looked:
            self.looks.append((_trace.get(), [str(session_id) for session_id in session_ids]))
            self.looked.notify_all()
        return [session_id in self.arrived for session_id in session_ids]

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
