"""Clients that wait for events share their requests, and hear what Parlant's listener would say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from parlant.core.agents import AgentId
from parlant.core.async_utils import Timeout
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.sessions import (
    EventId,
    EventKind,
    EventSource,
    PollingSessionListener,
    SessionId,
)
from parlant_supabase import NotOpenError
from parlant_supabase.stores import (
    SupabaseSessionListener,
    SupabaseSessionStore,
    SupabaseStores,
)

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.waiting import until, within_limit


@pytest.fixture
def store(stores: SupabaseStores) -> SupabaseSessionStore:
    return stores["session_store"]


@pytest.fixture
async def other_server(open_stores: OpenStores) -> AsyncIterator[SupabaseSessionStore]:
    """The same sessions; the listener is not told what is written here."""
    async with open_stores() as stores:
        yield stores["session_store"]


@pytest.fixture
def listener(store: SupabaseSessionStore) -> SupabaseSessionListener:
    return SupabaseSessionListener(store)


@pytest.fixture
async def session_id(store: SupabaseSessionStore) -> SessionId:
    return (await store.create_session(CustomerId("c"), AgentId("a"))).id


async def both(waits: list[asyncio.Task[bool]]) -> list[bool]:
    """What a session's two waiting clients are told."""
    return await within_limit(asyncio.gather(*waits), "both clients to hear of the event")


async def create_event(store: SupabaseSessionStore, session_id: SessionId) -> None:
    await store.create_event(session_id, EventSource.AI_AGENT, EventKind.MESSAGE, "t", {})


async def test_that_what_is_there_is_found_at_once(
    store: SupabaseSessionStore,
    listener: SupabaseSessionListener,
    session_id: SessionId,
    requests: RequestLog,
) -> None:
    await create_event(store, session_id)
    requests.functions.clear()

    assert await listener.wait_for_more_events(session_id, timeout=Timeout.none())
    assert await listener.wait_for_more_events(
        session_id, [EventKind.MESSAGE, EventKind.TOOL], 0, EventSource.AI_AGENT, "t"
    )
    assert requests.functions == ["parlant_check_events"] * 2


@pytest.mark.parametrize(
    "other",
    [
        {"min_offset": 1},
        {"kinds": [EventKind.TOOL]},
        {"source": EventSource.CUSTOMER},
        {"trace_id": "other"},
    ],
)
async def test_that_other_events_do_not_count(
    store: SupabaseSessionStore,
    listener: SupabaseSessionListener,
    session_id: SessionId,
    other: dict[str, Any],
) -> None:
    await create_event(store, session_id)

    assert not await listener.wait_for_more_events(session_id, timeout=Timeout.none(), **other)


async def test_that_waiting_for_nothing_ends_in_time(
    listener: SupabaseSessionListener, session_id: SessionId
) -> None:
    assert not await listener.wait_for_more_events(session_id, timeout=Timeout(0.01))


async def test_that_an_event_at_the_last_moment_is_found(
    other_server: SupabaseSessionStore,
    listener: SupabaseSessionListener,
    session_id: SessionId,
) -> None:
    # No shared look will find it.
    listener._events.seconds_between = 3600
    wait = asyncio.create_task(listener.wait_for_more_events(session_id, timeout=Timeout(3)))
    await until(lambda: bool(listener._events.waiting), "the listener to wait")
    await create_event(other_server, session_id)

    assert await within_limit(wait, "the event")
    assert listener._events.looking is not None
    listener._events.looking.cancel()


async def test_that_a_session_that_is_not_there_is_an_error(
    listener: SupabaseSessionListener,
) -> None:
    with pytest.raises(ItemNotFoundError, match="Session not found"):
        await listener.wait_for_more_events(SessionId("none"))


@pytest.fixture
def watched(client: Any) -> list[int]:
    """How many watches each request was for."""
    sizes: list[int] = []

    async def note(request: httpx.Request) -> None:
        if request.url.path.endswith("parlant_check_events"):
            sizes.append(len(json.loads(request.content)["p_watches"]))

    client.postgrest.session.event_hooks["request"].append(note)
    return sizes


async def test_that_many_waiting_clients_share_their_requests(
    store: SupabaseSessionStore,
    other_server: SupabaseSessionStore,
    listener: SupabaseSessionListener,
    watched: list[int],
) -> None:
    session_ids = [
        (await store.create_session(CustomerId("c"), AgentId("a"))).id for _ in range(10)
    ]
    waits = {
        session_id: [
            asyncio.create_task(listener.wait_for_more_events(session_id)) for _ in range(2)
        ]
        for session_id in session_ids
    }
    await until(lambda: len(listener._events.waiting) == 20, "20 waiting clients")
    watched.clear()

    # Three looks, each of which is for all of them.
    await until(lambda: len(watched) >= 3, "three looks")
    assert watched == [20] * len(watched)
    assert not any(wait.done() for pair in waits.values() for wait in pair)

    await create_event(other_server, session_ids[3])
    assert await both(waits[session_ids[3]]) == [True, True]
    await store.delete_session(session_ids[4])
    for wait in waits[session_ids[4]]:
        with pytest.raises(ItemNotFoundError):
            await within_limit(wait, "the client to hear of the deletion")
    for wait in waits[session_ids[5]]:
        wait.cancel()
    await until(lambda: len(listener._events.waiting) == 14, "six clients to leave")

    for session_id in {*session_ids} - {*session_ids[3:6]}:
        await create_event(other_server, session_id)
        assert await both(waits[session_id]) == [True, True]
    await until(lambda: listener._events.looking is None, "the looks to end")


async def test_that_whoever_waits_hears_of_a_fault(
    open_stores: OpenStores, session_id: SessionId, stack: Any
) -> None:
    connection = {"url": stack.url, "key": stack.service_role_key}
    async with open_stores(client=None, connection_params=connection) as stores:
        listener = SupabaseSessionListener(stores["session_store"])
        waits = [asyncio.create_task(listener.wait_for_more_events(session_id)) for _ in range(2)]
        await until(lambda: len(listener._events.waiting) == 2, "two waiting clients")

    for wait in waits:
        with pytest.raises(NotOpenError):
            await within_limit(wait, "the client to hear of the fault")


async def stream(
    store: SupabaseSessionStore, session_id: SessionId, *chunks: str | None
) -> EventId:
    """Begins a streamed message."""
    event = await store.create_event(
        session_id, EventSource.AI_AGENT, EventKind.MESSAGE, "t", {"chunks": [*chunks]}
    )
    return event.id


async def test_that_a_client_is_woken_by_what_its_server_writes(
    store: SupabaseSessionStore, listener: SupabaseSessionListener, session_id: SessionId
) -> None:
    listener._events.seconds_between = listener._streams.seconds_between = 3600
    wait = asyncio.create_task(listener.wait_for_more_events(session_id))
    await until(lambda: bool(listener._events.waiting), "the listener to wait")
    event_id = await stream(store, session_id, "a")
    assert await within_limit(wait, "the event")

    waits = [
        asyncio.create_task(listener.wait_for_new_streaming_chunks(session_id, event_id, 1)),
        asyncio.create_task(listener.wait_for_event_completion(session_id, event_id)),
    ]
    await until(lambda: len(listener._streams.waiting) == 2, "both clients to wait")
    await store.update_event(session_id, event_id, {"data": {"chunks": ["a", "b"]}})
    assert await within_limit(waits[0], "the chunk")
    assert not waits[1].done()
    await store.update_event(session_id, event_id, {"data": {"chunks": ["a", "b", None]}})
    assert await within_limit(waits[1], "the end")


async def test_that_clients_that_wait_for_streams_share_their_requests(
    store: SupabaseSessionStore,
    other_server: SupabaseSessionStore,
    listener: SupabaseSessionListener,
    session_id: SessionId,
    requests: RequestLog,
) -> None:
    first, second, third = [await stream(store, session_id, "a") for _ in range(3)]
    waits = [
        asyncio.create_task(listener.wait_for_event_completion(session_id, event_id))
        for event_id in (first, first, second, third)
    ]
    await until(lambda: len(listener._streams.waiting) == 4, "four waiting clients")
    requests.functions.clear()
    await until(lambda: len(requests.functions) >= 3, "three looks")
    assert set(requests.functions) == {"parlant_find"}, "each for all of them"

    await other_server.update_event(session_id, first, {"data": {"chunks": ["a", None]}})
    assert await both(waits[:2]) == [True, True]
    await other_server.update_event(session_id, second, {"data": {"message": "no stream"}})
    assert await within_limit(waits[2], "what is no stream")
    await other_server.delete_session(session_id)
    with pytest.raises(ItemNotFoundError, match="Session not found"):
        await within_limit(waits[3], "the client to hear of the deletion")


async def test_that_a_stream_is_waited_for_as_parlant_does(
    store: SupabaseSessionStore, listener: SupabaseSessionListener, session_id: SessionId
) -> None:
    event_id = await stream(store, session_id, "a", "b")

    for polling in (listener, PollingSessionListener(store)):
        for known, expected in ((1, True), (2, False)):
            assert expected is await polling.wait_for_new_streaming_chunks(
                session_id, event_id, known, Timeout.none()
            )
        assert not await polling.wait_for_event_completion(session_id, event_id, Timeout.none())
        with pytest.raises(ItemNotFoundError, match="Event not found"):
            await polling.wait_for_event_completion(session_id, EventId("none"))
        with pytest.raises(ItemNotFoundError, match="Session not found"):
            await polling.wait_for_event_completion(SessionId("none"), event_id)
