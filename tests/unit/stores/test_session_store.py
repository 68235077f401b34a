"""What the session store asks of the database, and what it makes of the replies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, cast

import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerId
from parlant.core.journeys import JourneyId
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.sessions import (
    EventId,
    EventKind,
    EventSource,
    SessionDocumentStore,
    SessionId,
)
from parlant_supabase.stores import SupabaseSessionStore
from parlant_supabase.stores.watches import EventWatch

from tests.unit.stores.fake_rpc import FakeRpc, store_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
S1 = SessionId("s1")

SESSION = {
    "id": "s1",
    "version": "0.9.0",
    "creation_utc": MOMENT.isoformat(),
    "customer_id": "c1",
    "agent_id": "a1",
    "mode": "auto",
    "title": None,
    "consumption_offsets": {"client": 0},
    "agent_states": [],
    "metadata": {"plan": "pro"},
    "labels": ["vip"],
}
EVENT = {
    "id": "e1",
    "version": "0.9.0",
    "creation_utc": MOMENT.isoformat(),
    "session_id": "s1",
    "source": "customer",
    "kind": "message",
    "offset": 7,
    "trace_id": "t1",
    "data": {"message": "hello"},
    "metadata": None,
    "deleted": False,
}


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def store(rpc: FakeRpc) -> SupabaseSessionStore:
    return cast(SupabaseSessionStore, store_of(SessionDocumentStore, rpc))


def updated(document: Any) -> dict[str, Any]:
    count = 0 if document is None else 1
    return {"matched_count": count, "modified_count": count, "updated_document": document}


async def test_that_an_update_sends_what_changes(rpc: FakeRpc, store: SupabaseSessionStore) -> None:
    rpc.answer("update_one", updated(SESSION))

    session = await store.update_session(S1, {"title": "Refund", "mode": "manual"})

    assert (session.id, session.labels, session.metadata) == ("s1", {"vip"}, {"plan": "pro"})
    assert rpc.last == (
        "update_one",
        {
            "p_collection": "sessions",
            "p_filters": {"id": {"$eq": "s1"}},
            "p_params": {"title": "Refund", "mode": "manual"},
            "p_upsert": False,
            "p_required_fields": [],
        },
    )


def a_state(trace_id: str, **fields: Any) -> dict[str, Any]:
    """The document of a state."""
    return {"trace_id": trace_id, "applied_guideline_ids": [], "journey_paths": {}, **fields}


async def test_that_a_state_is_kept_with_the_graphs_of_its_journeys(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    before = [a_state("t1"), a_state("t2", journey_graphs={"parcel": "then"})]
    rpc.answer("update_one", updated({**SESSION, "agent_states": before}))
    session = await store.update_session(S1, {"title": "Refund"})
    asked = []

    async def find_graphs(paths: Any) -> dict[str, str]:
        asked.append(paths)
        return {"parcel": "now"}

    store._find_graphs = find_graphs
    state = replace(
        session.agent_states[1], trace_id="t3", journey_paths={JourneyId("parcel"): ["2"]}
    )
    await store.update_session(S1, {"agent_states": [*session.agent_states, state]})

    assert asked == [{"parcel": ["2"]}]
    assert rpc.last[1]["p_params"]["agent_states"] == [
        *before,
        a_state("t3", journey_paths={"parcel": ["2"]}, journey_graphs={"parcel": "now"}),
    ]


async def test_that_a_state_has_no_graphs_unless_they_can_be_found(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    rpc.answer(
        "update_one", updated({**SESSION, "agent_states": [a_state("t1", journey_graphs=1)]})
    )
    session = await store.update_session(S1, {"title": "Refund"})

    state = replace(session.agent_states[0], trace_id="t2")
    await store.update_session(S1, {"agent_states": [*session.agent_states, state]})

    assert rpc.last[1]["p_params"]["agent_states"] == [a_state("t1"), a_state("t2")]


async def test_that_a_session_is_deleted(rpc: FakeRpc, store: SupabaseSessionStore) -> None:
    rpc.answer("delete_session", {"deleted": True, "deleted_events": 3})

    await store.delete_session(S1)

    assert rpc.last == ("delete_session", {"p_session_id": "s1"})


async def test_that_a_page_of_sessions_is_read(rpc: FakeRpc, store: SupabaseSessionStore) -> None:
    rpc.answer(
        "list_sessions",
        {
            "items": [SESSION],
            "total_count": 5,
            "has_more": True,
            "next_cursor": {"creation_utc": "n", "id": "s1"},
        },
    )

    listing = await store.list_sessions(
        AgentId("a1"),
        CustomerId("c1"),
        limit=1,
        cursor=Cursor(creation_utc="b", id=ObjectId("s0")),
        sort_direction=SortDirection.DESC,
        labels={"z", "a"},
    )

    assert [session.id for session in listing.items] == ["s1"]
    assert (listing.total_count, listing.has_more) == (5, True)
    assert listing.next_cursor == Cursor(creation_utc="n", id=ObjectId("s1"))
    assert rpc.last == (
        "list_sessions",
        {
            "p_agent_id": "a1",
            "p_customer_id": "c1",
            "p_labels": ["a", "z"],
            "p_limit": 1,
            "p_cursor": {"creation_utc": "b", "id": "s0"},
            "p_sort_direction": "desc",
        },
    )


@pytest.mark.parametrize("nobody", [None, ""])
async def test_that_all_sessions_are_listed_unless_told(
    rpc: FakeRpc, store: SupabaseSessionStore, nobody: Any
) -> None:
    rpc.answer(
        "list_sessions", {"items": [], "total_count": 0, "has_more": False, "next_cursor": None}
    )

    listing = await store.list_sessions(nobody, nobody, labels=set())

    assert (listing.has_more, listing.next_cursor) == (False, None)
    assert rpc.last == ("list_sessions", {})


@pytest.mark.parametrize(
    ("method", "arguments", "operation", "change"),
    [
        ("set_metadata", ("plan", "free"), "metadata", {"p_set": {"plan": "free"}}),
        ("set_metadata", ("plan", None), "metadata", {"p_set": {"plan": None}}),
        ("unset_metadata", ("plan",), "metadata", {"p_unset": ["plan"]}),
        ("upsert_labels", ({"z", "a"},), "labels", {"p_added": ["a", "z"]}),
        ("remove_labels", ({"z", "a"},), "labels", {"p_removed": ["a", "z"]}),
    ],
)
async def test_that_the_database_merges_a_change(
    rpc: FakeRpc,
    store: SupabaseSessionStore,
    method: str,
    arguments: Any,
    operation: str,
    change: dict[str, Any],
) -> None:
    rpc.answer(f"update_session_{operation}", {"document": SESSION}, {"document": None})

    assert (await getattr(store, method)(S1, *arguments)).id == "s1"
    assert rpc.last == (f"update_session_{operation}", {"p_session_id": "s1", **change})
    with pytest.raises(ItemNotFoundError, match=r"^Session not found \(id='s1'\)$"):
        await getattr(store, method)(S1, *arguments)


async def test_that_an_event_gets_its_place_from_the_database(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    rpc.answer("create_event", {"offset": 7, "creation_utc": MOMENT.isoformat()})

    event = await store.create_event(
        S1, EventSource.CUSTOMER, EventKind.MESSAGE, "t1", {"message": "hello"}, {"m": 1}
    )

    assert (event.offset, event.creation_utc) == (7, MOMENT)
    assert (event.source, event.kind) == (EventSource.CUSTOMER, EventKind.MESSAGE)
    assert (event.trace_id, event.data, event.metadata) == ("t1", {"message": "hello"}, {"m": 1})
    assert event.deleted is False
    operation, arguments = rpc.last
    assert operation == "create_event"
    assert arguments["p_event"] == {
        "id": event.id,
        "version": store.VERSION.to_string(),
        "session_id": "s1",
        "source": "customer",
        "kind": "message",
        "trace_id": "t1",
        "data": {"message": "hello"},
        "metadata": {"m": 1},
        "deleted": False,
    }
    assert len(event.id) == 10


async def test_that_an_event_keeps_the_time_that_it_is_given(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    rpc.answer("create_event", {"offset": 0, "creation_utc": MOMENT.isoformat()})

    event = await store.create_event(
        S1, EventSource.SYSTEM, EventKind.STATUS, "t1", {}, creation_utc=MOMENT
    )

    assert (event.offset, event.metadata) == (0, {})
    assert rpc.last[1]["p_event"]["creation_utc"] == MOMENT.isoformat()
    assert rpc.last[1]["p_event"]["metadata"] is None


@pytest.mark.parametrize(
    "reply",
    [
        {"offset": None, "creation_utc": None},
        {"offset": 1, "creation_utc": None},
        {"offset": None, "creation_utc": MOMENT.isoformat()},
    ],
)
async def test_that_an_event_needs_a_session(
    rpc: FakeRpc, store: SupabaseSessionStore, reply: dict[str, Any]
) -> None:
    rpc.answer("create_event", reply)

    with pytest.raises(ItemNotFoundError, match=r"^Session not found \(id='s1'\)$"):
        await store.create_event(S1, EventSource.SYSTEM, EventKind.STATUS, "t1", {})


async def test_that_an_event_is_read(rpc: FakeRpc, store: SupabaseSessionStore) -> None:
    rpc.answer(
        "read_event",
        {"session_exists": True, "document": EVENT},
        {"session_exists": True, "document": None},
        {"session_exists": False, "document": None},
    )
    read = EventId("e1")

    event = await store.read_event(S1, read)
    assert (event.id, event.offset, event.creation_utc, event.metadata) == ("e1", 7, MOMENT, {})
    assert rpc.last == ("read_event", {"p_session_id": "s1", "p_event_id": "e1"})
    with pytest.raises(ItemNotFoundError, match=r"^Event not found \(id='e1'\)$"):
        await store.read_event(S1, read)
    with pytest.raises(ItemNotFoundError, match=r"^Session not found \(id='s1'\)$"):
        await store.read_event(S1, read)


async def test_that_events_are_filtered_by_the_database(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    rpc.answer("list_events", {"documents": [EVENT]}, {"documents": None})

    [event] = await store.list_events(
        S1, EventSource.CUSTOMER, "t1", [EventKind.MESSAGE, EventKind.TOOL], 3, False
    )

    assert event.id == "e1"
    assert rpc.last == (
        "list_events",
        {
            "p_session_id": "s1",
            "p_source": "customer",
            "p_trace_id": "t1",
            "p_kinds": ["message", "tool"],
            "p_min_offset": 3,
            "p_exclude_deleted": False,
        },
    )
    with pytest.raises(ItemNotFoundError, match=r"^Session not found \(id='s1'\)$"):
        await store.list_events(S1)
    assert rpc.last == ("list_events", {"p_session_id": "s1", "p_exclude_deleted": True})


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({"metadata": {"m": 1}}, {"metadata": {"m": 1}}),
        ({"metadata": {}}, {"metadata": None}),
        ({"data": {"d": 1}}, {"data": {"d": 1}}),
        ({"data": None}, {"data": None}),
        ({}, {}),
    ],
)
async def test_that_an_update_of_an_event_changes_what_it_mentions(
    rpc: FakeRpc, store: SupabaseSessionStore, params: Any, changes: dict[str, Any]
) -> None:
    rpc.answer("update_one", updated(EVENT), updated(None))

    assert (await store.update_event(S1, EventId("e1"), params)).id == "e1"
    assert rpc.last == (
        "update_one",
        {
            "p_collection": "events",
            "p_filters": {
                "id": {"$eq": "e1"},
                "session_id": {"$eq": "s1"},
                "deleted": {"$ne": True},
            },
            "p_params": changes,
            "p_upsert": False,
            "p_required_fields": [],
        },
    )
    with pytest.raises(ItemNotFoundError, match=r"^Event not found \(id='e1'\)$"):
        await store.update_event(S1, EventId("e1"), params)


async def test_that_each_watch_has_a_result(rpc: FakeRpc, store: SupabaseSessionStore) -> None:
    rpc.answer("check_events", {"results": [True, False, None]})

    results = await store._check_events(
        [
            EventWatch(S1, EventSource.CUSTOMER, "t1", [EventKind.MESSAGE], 3),
            EventWatch(SessionId("s2"), trace_id="", min_offset=0),
            EventWatch(SessionId("s3")),
        ]
    )

    assert results[:2] == [True, False]
    assert str(results[2]) == "Session not found (id='s3')"
    nothing = {"source": None, "trace_id": None, "kinds": None, "min_offset": None}
    assert rpc.last == (
        "check_events",
        {
            "p_watches": [
                {
                    "session_id": "s1",
                    "source": "customer",
                    "trace_id": "t1",
                    "kinds": ["message"],
                    "min_offset": 3,
                },
                {"session_id": "s2", **nothing},
                {"session_id": "s3", **nothing},
            ]
        },
    )


async def test_that_there_is_a_result_for_each_watch_or_an_error(
    rpc: FakeRpc, store: SupabaseSessionStore
) -> None:
    rpc.answer("check_events", {"results": [True]})

    with pytest.raises(ValueError, match="shorter"):
        await store._check_events([EventWatch(S1), EventWatch(S1)])
