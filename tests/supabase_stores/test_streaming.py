"""Streamed messages: few writes, every chunk for clients here, the end before the turn goes on."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.emissions import MessageEventHandle
from parlant.core.sessions import Event, EventId, EventKind, SessionId
from parlant_supabase.stores import (
    SupabaseSessionListener,
    SupabaseSessionStore,
    SupabaseStores,
    streamed_messages,
)

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.supabase_stores.test_deferred_events import emitter
from tests.waiting import until, within_limit


@pytest.fixture
def store(stores: SupabaseStores) -> SupabaseSessionStore:
    return stores["session_store"]


@pytest.fixture
async def session_id(store: SupabaseSessionStore) -> SessionId:
    return (await store.create_session(CustomerId("c"), AgentId("a"))).id


class Message:
    """A message that is streamed as Parlant does it: with one list of chunks that grows."""

    def __init__(self) -> None:
        self.chunks: list[str | None] = []
        self.handle: MessageEventHandle | None = None
        self.emitting: Any = None

    async def add(self, chunk: str | None) -> None:
        self.chunks.append(chunk)
        text = "".join(chunk for chunk in self.chunks if chunk)
        data: Any = {"message": text, "participant": {}, "chunks": self.chunks}
        if self.handle is None:
            self.handle = await self.emitting.emit_message_event("t", data)
        else:
            self.handle = await self.handle.update(data)


async def a_message(store: SupabaseSessionStore, session_id: SessionId) -> Message:
    """A message of a turn, which the running task is."""
    message = Message()
    message.emitting = await emitter(store, session_id)
    await message.add("a")
    return message


async def stored(open_stores: OpenStores, session_id: SessionId) -> Event:
    """The message as other servers see it."""
    async with open_stores() as others:
        [event] = await others["session_store"].list_events(session_id, kinds=[EventKind.MESSAGE])
        return event


def text_of(event: Event) -> str:
    return str(cast(dict[str, Any], event.data)["message"])


def chunks_of(event: Event) -> list[str | None]:
    return cast(list[str | None], cast(dict[str, Any], event.data)["chunks"])


@pytest.fixture
def no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written because of time."""
    monkeypatch.setattr(streamed_messages, "_SECONDS_BETWEEN_WRITES", 3600)


@pytest.mark.usefixtures("no_interval")
async def test_that_chunks_are_one_write_and_the_end_is_waited_for(
    store: SupabaseSessionStore,
    session_id: SessionId,
    open_stores: OpenStores,
    requests: RequestLog,
) -> None:
    message = await a_message(store, session_id)
    requests.functions.clear()
    for chunk in "bcdefghij":
        await message.add(chunk)
    assert requests.functions == []

    await message.add(None)

    # What had come meanwhile is not worth a write of its own.
    assert requests.functions == ["parlant_update_one"]
    event = await stored(open_stores, session_id)
    assert (text_of(event), chunks_of(event)) == ("abcdefghij", [*"abcdefghij", None])


async def test_that_the_database_follows_at_intervals(
    store: SupabaseSessionStore,
    session_id: SessionId,
    open_stores: OpenStores,
    requests: RequestLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streamed_messages, "_SECONDS_BETWEEN_WRITES", 0.001)
    message = await a_message(store, session_id)
    requests.functions.clear()
    for chunk in "bc":
        await message.add(chunk)
    await until(lambda: not store._streams._streams[EventId(await_id(store))].task, "the write")

    assert requests.functions == ["parlant_update_one"]
    event = await stored(open_stores, session_id)
    assert (text_of(event), chunks_of(event)) == ("abc", ["a", "b", "c"])


def await_id(store: SupabaseSessionStore) -> str:
    [event_id] = store._streams._streams
    return event_id


@pytest.mark.usefixtures("no_interval")
async def test_that_clients_of_the_server_get_every_chunk(
    store: SupabaseSessionStore, session_id: SessionId, requests: RequestLog
) -> None:
    listener = SupabaseSessionListener(store)
    listener._streams.seconds_between = 3600
    message = await a_message(store, session_id)
    event_id = EventId(await_id(store))

    async def client() -> list[int]:
        counts = [1]
        while True:
            await listener.wait_for_new_streaming_chunks(session_id, event_id, counts[-1])
            event = await store.read_event(session_id, event_id)
            counts.append(len(chunks_of(event)))
            if chunks_of(event)[-1] is None:
                return counts

    waiting = asyncio.create_task(client())
    for number, chunk in enumerate(["b", "c", None], 2):
        await until(lambda: bool(listener._streams.waiting), "the client to wait")
        await message.add(chunk)
        if chunk is not None:
            [listed] = await store.list_events(session_id)
            assert len(chunks_of(listed)) == number

    assert await within_limit(waiting, "the end") == [1, 2, 3, 4]
    if listener._streams.looking is not None:
        listener._streams.looking.cancel()


@pytest.mark.usefixtures("no_interval")
async def test_that_a_message_whose_turn_ends_in_the_middle_is_one_that_has_not_ended(
    store: SupabaseSessionStore, session_id: SessionId, open_stores: OpenStores
) -> None:
    message = await a_message(store, session_id)
    await message.add("b")

    await store._end_turn(session_id)

    event = await stored(open_stores, session_id)
    assert (text_of(event), chunks_of(event)) == ("ab", ["a", "b"])
    assert store._streams._streams == {}


@pytest.mark.usefixtures("no_interval")
async def test_that_closing_the_store_writes_how_far_a_message_has_got(
    session_id: SessionId, open_stores: OpenStores
) -> None:
    async with open_stores() as stores:
        message = await a_message(stores["session_store"], session_id)
        await message.add("b")

    assert text_of(await stored(open_stores, session_id)) == "ab"


@pytest.mark.usefixtures("no_interval")
async def test_that_other_changes_come_after_the_chunks(
    store: SupabaseSessionStore, session_id: SessionId, open_stores: OpenStores
) -> None:
    message = await a_message(store, session_id)
    event_id = EventId(await_id(store))
    await message.add("b")
    changed = await store.update_event(session_id, event_id, {"metadata": {"k": 1}})
    assert (text_of(changed), changed.metadata) == ("ab", {"k": 1})

    await message.add("c")
    await message.add(None)

    event = await stored(open_stores, session_id)
    assert (text_of(event), event.metadata) == ("abc", {"k": 1})


async def test_that_a_turn_hears_of_a_message_that_is_gone(
    store: SupabaseSessionStore, session_id: SessionId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_messages, "_SECONDS_BETWEEN_WRITES", 0.001)
    message = await a_message(store, session_id)
    stream = store._streams._streams[EventId(await_id(store))]
    await store._connection.collection("events", cast(Any, dict)).delete_one({})
    await message.add("b")
    await until(lambda: stream.error is not None, "the write to fail")

    with pytest.raises(ItemNotFoundError, match="Event not found"):
        await message.add("c")


@pytest.mark.usefixtures("no_interval")
async def test_that_a_message_that_is_deleted_is_not_written_on(
    store: SupabaseSessionStore, session_id: SessionId
) -> None:
    message = await a_message(store, session_id)
    await store.delete_event(EventId(await_id(store)))

    with pytest.raises(ItemNotFoundError, match="Event not found"):
        await message.add("b")
