"""Events that are written behind a turn, while answers are lost and the project is out of reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from parlant.core.agents import AgentId
from parlant.core.customers import CustomerId
from parlant.core.loggers import TracingLogger
from parlant.core.sessions import SessionId
from parlant_supabase import SupabaseAdapterError
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseSessionStore, supabase_stores

from tests.faults.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    drop_answer,
    drop_request,
    html_instead_of_answer,
    html_instead_of_forwarding,
    reset_answer,
)
from tests.supabase_stores.test_deferred_events import emitter, events_of, names_of, say

NAMES = ["acknowledged", "typing", "message", "ready", "completed"]


@pytest.fixture
async def store(
    stack: LocalStack, proxy: FaultProxy, prefix: str, logger: TracingLogger
) -> AsyncIterator[SupabaseSessionStore]:
    async with supabase_stores(
        {"url": proxy.url, "key": stack.service_role_key},
        session_prefix=f"{prefix}s_",
        customer_prefix=f"{prefix}c_",
        variable_prefix=f"{prefix}v_",
        logger=logger,
    ) as stores:
        yield stores["session_store"]


@pytest.fixture
async def session_id(store: SupabaseSessionStore) -> SessionId:
    return (await store.create_session(CustomerId("c"), AgentId("a"))).id


@pytest.mark.parametrize(
    "fault",
    [drop_answer, reset_answer, drop_request, html_instead_of_answer(502)],
    ids=lambda fault: str(getattr(fault, "__name__", fault)),
)
async def test_that_every_event_is_written_once_and_in_its_place(
    store: SupabaseSessionStore, session_id: SessionId, proxy: FaultProxy, fault: Fault
) -> None:
    emitting = await emitter(store, session_id)
    for number in range(2):
        proxy.faults.append(fault)
        await say(emitting, f"t{number}", *NAMES[:3])
        proxy.faults.append(fault)
        await say(emitting, f"t{number}", *NAMES[3:])
        # The answer to this is lost, with that to the events before it.
        await store.update_session(session_id, {"title": f"{number}"})

    assert names_of(await events_of(store, session_id)) == NAMES * 2
    assert (await store.read_session(session_id)).title == "1"


async def test_that_an_update_whose_answer_was_lost_overwrites_nothing_newer(
    store: SupabaseSessionStore, session_id: SessionId, proxy: FaultProxy
) -> None:
    async def change_meanwhile(exchange: Exchange) -> None:
        await drop_answer(exchange)
        await store._update_session(session_id, {"title": "newer"})

    emitting = await emitter(store, session_id)
    await say(emitting, "t", "ready")
    proxy.faults.append(change_meanwhile)

    session = await store.update_session(session_id, {"title": "older"})

    assert session.title == "newer"
    assert (await store.read_session(session_id)).title == "newer"


async def test_that_a_turn_hears_of_what_could_not_be_written(
    store: SupabaseSessionStore, session_id: SessionId, proxy: FaultProxy
) -> None:
    emitting = await emitter(store, session_id)
    await say(emitting, "t", "acknowledged")
    store._connection.rpc.timeout = 0.5
    working, proxy.choose = proxy.choose, lambda _: html_instead_of_forwarding(503)

    with pytest.raises(SupabaseAdapterError):
        await say(emitting, "t", "message")

    proxy.choose = working
    store._connection.rpc.timeout = 60
    await say(emitting, "t", "error", "ready")
    await store._end_turn(session_id)
    assert names_of(await events_of(store, session_id)) == ["error", "ready"]
