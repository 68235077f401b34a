"""Parlant cancels the tasks of running turns: that harms neither the client nor the documents."""

from __future__ import annotations

import asyncio
import random

import anyio
import psycopg
import pytest
from parlant_supabase import NotOpenError, OutcomeUnknownError, SupabaseAdapterError

from tests.adapter.notes import EVERYTHING, ids, note, only
from tests.faults.conftest import BOTH_CLIENTS, Connect, open_notes, stored
from tests.faults.fault_proxy import Exchange, FaultProxy
from tests.waiting import within_limit

# The adapter's, whatever the user's client would allow.
MOST_CONNECTIONS = 8


@BOTH_CLIENTS
async def test_that_calls_cancelled_at_any_moment_leave_the_client_usable(
    connect: Connect, proxy: FaultProxy, sql: psycopg.Connection, prefix: str
) -> None:
    moments = random.Random(1)
    async with connect(timeout=20) as database:
        notes = await open_notes(database)
        proxy.most_connections = 0

        for turn in range(20):
            calls = [
                asyncio.create_task(notes.insert_one(note(f"{turn}-{number}", text="x" * 1000)))
                for number in range(30)
            ]
            for call in moments.sample(calls, 25):
                if moments.random() < 0.3:
                    await asyncio.sleep(moments.uniform(0, 0.003))
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(isinstance(result, asyncio.CancelledError) for result in results) > 0
            assert not any(isinstance(result, SupabaseAdapterError) for result in results)

        await asyncio.gather(*(notes.insert_one(note(f"kept-{number}")) for number in range(50)))
        found = await ids(notes)

    assert proxy.most_connections <= MOST_CONNECTIONS
    documents = stored(sql, f"{prefix}notes")
    assert [document["id"] for document in documents] == sorted(found)
    assert len([id for id in found if id.startswith("kept")]) == 50
    assert all(document["text"] == "x" * 1000 for document in documents if "text" in document)


async def test_that_a_call_cancelled_before_it_is_sent_is_not_sent(
    connect: Connect, proxy: FaultProxy
) -> None:
    answer = asyncio.Event()

    async def wait_for_it(exchange: Exchange) -> None:
        await answer.wait()
        await exchange.answer(await exchange.forward())

    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        proxy.seen.clear()
        proxy.faults.extend([wait_for_it] * MOST_CONNECTIONS)
        first = [asyncio.create_task(ids(notes)) for _ in range(MOST_CONNECTIONS)]
        await proxy.until(
            lambda: len(proxy.seen) == MOST_CONNECTIONS, "a request on each connection"
        )

        waiting = asyncio.create_task(notes.delete_one(EVERYTHING))
        # It runs until it waits for a connection.
        await asyncio.sleep(0)
        waiting.cancel()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert await asyncio.gather(*first) == [["kept"]] * MOST_CONNECTIONS
        assert await ids(notes) == ["kept"]
    assert set(proxy.seen) == {"parlant_find"}


@BOTH_CLIENTS
async def test_that_a_call_cancelled_after_it_is_sent_is_carried_out(
    connect: Connect, proxy: FaultProxy
) -> None:
    sent = asyncio.Event()
    cancelled = asyncio.Event()

    async def forward_after_cancellation(exchange: Exchange) -> None:
        sent.set()
        await cancelled.wait()
        await exchange.answer(await exchange.forward())

    async with connect() as database:
        notes = await open_notes(database)
        proxy.faults.append(forward_after_cancellation)
        call = asyncio.create_task(notes.insert_one(note("kept")))
        await within_limit(sent.wait(), "the call to be sent")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        cancelled.set()
        await proxy.settled()

        assert await ids(notes) == ["kept"]


async def test_that_leaving_the_database_ends_the_calls_that_still_wait(
    connect: Connect, proxy: FaultProxy
) -> None:
    # Nothing else would end those calls within the lifetime of a test run.
    database = await connect(timeout=36_000).__aenter__()
    notes = await open_notes(database)
    proxy.seen.clear()
    proxy.choose = lambda exchange: Exchange.client_gone
    read = asyncio.create_task(notes.find(EVERYTHING))
    write = asyncio.create_task(notes.update_one(only("kept"), note("kept")))
    cancelled = asyncio.create_task(notes.delete_one(EVERYTHING))
    await proxy.until(lambda: len(proxy.seen) == 3, "the third request")
    cancelled.cancel()

    with anyio.fail_after(60):
        await database.__aexit__(None, None, None)

    with pytest.raises(NotOpenError):
        await read
    with pytest.raises(OutcomeUnknownError):
        await write
    await proxy.until(lambda: proxy.connections == 0, "the connections to be closed")
