"""Status events are written behind a turn, and every reader sees the order of their emission."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, cast

import pytest
from parlant.core.agents import AgentId, AgentStore
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.emission.event_publisher import EventPublisherFactory
from parlant.core.emissions import EventEmitter
from parlant.core.sessions import (
    AgentState,
    Event,
    EventKind,
    EventSource,
    SessionId,
)
from parlant_supabase.server.event_emission import DeferringEmitterFactory
from parlant_supabase.stores import SupabaseSessionStore, SupabaseStores

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.waiting import until


class OneAgent:
    """The only thing that emitters ask of the store of agents."""

    id, name = AgentId("a"), "Agent"

    async def read_agent(self, agent_id: AgentId) -> OneAgent:
        return self


async def emitter(store: SupabaseSessionStore, session_id: SessionId) -> EventEmitter:
    """What a server that has joined gives to a turn; the running task is the turn."""
    factory = EventPublisherFactory(cast(AgentStore, OneAgent()), store)
    return await DeferringEmitterFactory(factory).create_event_emitter(AgentId("a"), session_id)


@pytest.fixture
def store(stores: SupabaseStores) -> SupabaseSessionStore:
    return stores["session_store"]


@pytest.fixture
async def session_id(store: SupabaseSessionStore) -> SessionId:
    return (await store.create_session(CustomerId("c"), AgentId("a"))).id


async def say(emitting: EventEmitter, trace: str, *names: str) -> None:
    """Emits events: a message or a tool's call where the name begins so, else a status."""
    for name in names:
        data: Any = {"status": name, "data": {}}
        called: Any = {"tool_calls": [], "name": name}
        if name.startswith("message"):
            await emitting.emit_message_event(trace, name)
        elif name.startswith("tool"):
            await emitting.emit_tool_event(trace, called)
        elif name.startswith("custom"):
            await emitting.emit_custom_event(trace, {"name": name})
        else:
            await emitting.emit_status_event(trace, data)


def names_of(events: Sequence[Event], trace: str | None = None) -> list[str]:
    """What was emitted, in the order of the list."""
    return [
        str(data.get("status") or data.get("message") or data.get("name"))
        for event in events
        if trace in (None, event.trace_id)
        for data in [cast(dict[str, Any], event.data)]
    ]


async def events_of(store: SupabaseSessionStore, session_id: SessionId) -> Sequence[Event]:
    """The events of a session, which have no gap and no repetition, as another task reads them."""
    events = await asyncio.create_task(store.list_events(session_id))
    assert [event.offset for event in events] == list(range(len(events)))
    times = [event.creation_utc for event in events]
    assert times == sorted(set(times))
    return events


async def test_that_events_are_read_in_the_order_of_their_emission(
    store: SupabaseSessionStore, session_id: SessionId, requests: RequestLog
) -> None:
    names = ["acknowledged", "processing", "tool", "typing", "message", "custom", "ready", "again"]
    emitting = await emitter(store, session_id)
    requests.functions.clear()
    before = datetime.now(timezone.utc)

    await say(emitting, "t", *names)
    await store.update_session(session_id, {"agent_states": [AgentState("t", [], {})]})

    assert requests.functions == ["parlant_create_events"] * 2 + ["parlant_create_event"] + [
        "parlant_create_events"
    ]
    events = await events_of(store, session_id)
    assert names_of(events) == names
    # The same machine has both clocks.
    assert before <= events[0].creation_utc <= events[-1].creation_utc
    assert events[-1].creation_utc <= datetime.now(timezone.utc)
    assert len((await store.read_session(session_id)).agent_states) == 1


async def test_that_a_turn_does_not_wait_for_its_status_events(
    store: SupabaseSessionStore, session_id: SessionId, requests: RequestLog
) -> None:
    emitting = await emitter(store, session_id)
    requests.functions.clear()

    await say(emitting, "t", "acknowledged", "processing")
    assert requests.functions == []
    await until(lambda: bool(requests.functions), "the request behind the turn")
    assert names_of(await store.list_events(session_id)) == ["acknowledged", "processing"]
    assert requests.functions == ["parlant_create_events", "parlant_list_events"]


async def test_that_several_servers_write_to_one_session(
    store: SupabaseSessionStore, session_id: SessionId, open_stores: OpenStores
) -> None:
    names = ["acknowledged", "typing", "message", "ready", "tool", "typing", "message 2", "done"]
    async with open_stores() as others:
        stores = [store, others["session_store"]]

        async def turn(number: int) -> None:
            at = stores[number % 2]
            emitting = await emitter(at, session_id)
            for name in names:
                await say(emitting, f"t{number}", name)
                await asyncio.sleep(0.001 * (number % 3))
            await at.update_session(session_id, {"title": f"{number}"})

        await asyncio.gather(*(turn(number) for number in range(6)))

    events = await events_of(store, session_id)
    assert len(events) == 6 * len(names)
    for number in range(6):
        assert names_of(events, f"t{number}") == names


async def test_that_a_turn_sees_what_it_has_emitted(
    store: SupabaseSessionStore, session_id: SessionId
) -> None:
    emitting = await emitter(store, session_id)
    await say(emitting, "t", "acknowledged", "processing")

    assert names_of(await store.list_events(session_id)) == ["acknowledged", "processing"]


async def test_that_changes_of_the_session_come_after_what_was_emitted(
    store: SupabaseSessionStore, session_id: SessionId, requests: RequestLog
) -> None:
    emitting = await emitter(store, session_id)
    message = await store.create_event(
        session_id, EventSource.AI_AGENT, EventKind.MESSAGE, "t", {"message": "m"}
    )
    for change in (
        lambda: store.set_metadata(session_id, "k", 1),
        lambda: store.upsert_labels(session_id, {"x"}),
        lambda: store.update_event(session_id, message.id, {"metadata": {"k": 1}}),
        lambda: store.delete_session(session_id),
    ):
        await say(emitting, "t", "typing")
        requests.functions.clear()
        await change()
        assert requests.functions[0] == "parlant_create_events"
        assert len(requests.functions) == 2


async def test_that_a_turn_whose_session_is_gone_hears_of_it(
    store: SupabaseSessionStore, session_id: SessionId
) -> None:
    emitting = await emitter(store, session_id)
    await store.delete_session(session_id)

    await say(emitting, "t", "typing")
    with pytest.raises(ItemNotFoundError, match="Session not found"):
        await say(emitting, "t", "message")


async def test_that_a_turn_that_is_cancelled_leaves_what_it_emitted(
    store: SupabaseSessionStore, session_id: SessionId
) -> None:
    began = asyncio.Event()

    async def turn() -> None:
        emitting = await emitter(store, session_id)
        await say(emitting, "t", "acknowledged", "typing")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await say(emitting, "t", "cancelled", "ready")
            await store._end_turn(session_id)

    task = asyncio.create_task(turn())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert names_of(await events_of(store, session_id)) == [
        "acknowledged",
        "typing",
        "cancelled",
        "ready",
    ]


async def test_that_a_store_is_closed_when_all_is_written(
    store: SupabaseSessionStore, session_id: SessionId, open_stores: OpenStores
) -> None:
    async with open_stores() as others:
        emitting = await emitter(others["session_store"], session_id)
        await say(emitting, "t", "acknowledged", "processing")

    assert names_of(await events_of(store, session_id)) == ["acknowledged", "processing"]


async def test_that_numbers_come_back_as_they_were_emitted(
    store: SupabaseSessionStore, session_id: SessionId
) -> None:
    emitting = await emitter(store, session_id)
    data: Any = {"status": "typing", "data": {"big": 1e22, "text": "a\x00b"}}
    await emitting.emit_status_event("t", data)

    [event] = await store.list_events(session_id)
    numbers = cast(dict[str, Any], event.data)["data"]
    assert (numbers["big"], type(numbers["big"]), numbers["text"]) == (1e22, float, "a\ufffdb")
