"""SessionDocumentStore through its public methods."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError, JSONSerializable
from parlant.core.customers import CustomerId
from parlant.core.guidelines import GuidelineId
from parlant.core.journeys import JourneyId
from parlant.core.persistence.common import SortDirection
from parlant.core.sessions import (
    AgentState,
    Event,
    EventId,
    EventKind,
    EventSource,
    Session,
    SessionDocumentStore,
    SessionId,
)

ANN, BOB = CustomerId("ann"), CustomerId("bob")
SALES, SUPPORT = AgentId("sales"), AgentId("support")
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MESSAGE: JSONSerializable = {
    "message": "Where is my order? 📦",
    "participant": {"id": "ann", "display_name": "Ann"},
    "flagged": False,
    "tags": [],
}


async def say(
    sessions: SessionDocumentStore,
    session: Session,
    source: EventSource = EventSource.CUSTOMER,
    kind: EventKind = EventKind.MESSAGE,
    trace_id: str = "trace",
) -> Event:
    return await sessions.create_event(session.id, source, kind, trace_id, MESSAGE)


class TestSessions:
    async def test_that_a_session_is_read_as_it_was_created(
        self, sessions: SessionDocumentStore
    ) -> None:
        created = await sessions.create_session(
            ANN,
            SUPPORT,
            creation_utc=NOON,
            title="A parcel, lost?",
            mode="manual",
            metadata={"channel": "web", "score": 1.0, "nested": {"list": [1, None, "ü"]}},
            labels={"vip", "parcel"},
        )

        assert await sessions.read_session(created.id) == created

    async def test_that_a_session_of_defaults_is_read_as_it_was_created(
        self, sessions: SessionDocumentStore
    ) -> None:
        created = await sessions.create_session(ANN, SUPPORT)

        assert await sessions.read_session(created.id) == created
        assert created.mode == "auto"
        assert created.title is None

    async def test_that_every_field_can_be_updated(self, sessions: SessionDocumentStore) -> None:
        session = await sessions.create_session(ANN, SUPPORT, metadata={"a": 1})
        state = AgentState(
            "trace", [GuidelineId("g1"), GuidelineId("g2")], {JourneyId("j"): ["n1", None]}
        )

        updated = await sessions.update_session(
            session.id,
            {
                "customer_id": BOB,
                "agent_id": SALES,
                "mode": "manual",
                "title": "New",
                "consumption_offsets": {"client": 7},
                "agent_states": [state, state],
                "metadata": {"b": 2},
            },
        )

        assert updated == await sessions.read_session(session.id)
        assert updated.customer_id == BOB
        assert updated.agent_id == SALES
        assert updated.mode == "manual"
        assert updated.title == "New"
        assert updated.consumption_offsets == {"client": 7}
        assert updated.agent_states == [state, state]
        assert updated.metadata == {"b": 2}

    async def test_that_an_update_of_nothing_changes_nothing(
        self, sessions: SessionDocumentStore
    ) -> None:
        session = await sessions.create_session(ANN, SUPPORT, title="Same", labels={"x"})

        assert await sessions.update_session(session.id, {}) == session

    async def test_that_metadata_is_set_and_unset_key_by_key(
        self, sessions: SessionDocumentStore
    ) -> None:
        session = await sessions.create_session(ANN, SUPPORT, metadata={"a": 1})

        await sessions.set_metadata(session.id, "b", {"c": [True, None]})
        await sessions.set_metadata(session.id, "a", 2)
        after_set = await sessions.read_session(session.id)
        await sessions.unset_metadata(session.id, "a")
        await sessions.unset_metadata(session.id, "nothing")
        after_unset = await sessions.read_session(session.id)

        assert after_set.metadata == {"a": 2, "b": {"c": [True, None]}}
        assert after_unset.metadata == {"b": {"c": [True, None]}}

    async def test_that_labels_are_added_removed_and_searched_for(
        self, sessions: SessionDocumentStore
    ) -> None:
        one = await sessions.create_session(ANN, SUPPORT, labels={"new"})
        two = await sessions.create_session(ANN, SUPPORT)

        await sessions.upsert_labels(one.id, {"vip", "new"})
        await sessions.upsert_labels(two.id, {"vip"})
        await sessions.remove_labels(one.id, {"new", "nothing"})

        assert (await sessions.read_session(one.id)).labels == {"vip"}
        found = await sessions.list_sessions(labels={"vip"})
        assert {session.id for session in found} == {one.id, two.id}
        assert len(await sessions.list_sessions(labels={"vip", "new"})) == 0

    async def test_that_a_deleted_session_is_gone_with_its_events(
        self, sessions: SessionDocumentStore
    ) -> None:
        doomed = await sessions.create_session(ANN, SUPPORT)
        kept = await sessions.create_session(ANN, SUPPORT)
        for _ in range(30):
            await say(sessions, doomed)
        event = await say(sessions, kept)

        await sessions.delete_session(doomed.id)

        with pytest.raises(ItemNotFoundError):
            await sessions.read_session(doomed.id)
        with pytest.raises(ItemNotFoundError):
            await sessions.list_events(doomed.id)
        assert await sessions.list_events(kept.id) == [event]

    async def test_that_what_does_not_exist_is_not_found(
        self, sessions: SessionDocumentStore
    ) -> None:
        nobody = SessionId("nobody")
        session = await sessions.create_session(ANN, SUPPORT)

        with pytest.raises(ItemNotFoundError):
            await sessions.read_session(nobody)
        with pytest.raises(ItemNotFoundError):
            await sessions.update_session(nobody, {"title": "x"})
        with pytest.raises(ItemNotFoundError):
            await sessions.set_metadata(nobody, "a", 1)
        with pytest.raises(ItemNotFoundError):
            await sessions.upsert_labels(nobody, {"x"})
        with pytest.raises(ItemNotFoundError):
            await sessions.create_event(
                nobody, EventSource.CUSTOMER, EventKind.MESSAGE, "t", MESSAGE
            )
        with pytest.raises(ItemNotFoundError):
            await sessions.read_event(session.id, EventId("nothing"))
        with pytest.raises(ItemNotFoundError):
            await sessions.delete_event(EventId("nothing"))
        await sessions.delete_session(nobody)


class TestListing:
    @pytest.fixture
    async def listed(self, sessions: SessionDocumentStore) -> list[Session]:
        """Twelve sessions, oldest first; several at the same time."""
        created = [
            await sessions.create_session(
                (ANN, BOB)[n % 2], (SALES, SUPPORT)[n % 3 % 2], NOON + timedelta(minutes=n // 4)
            )
            for n in range(12)
        ]
        return sorted(created, key=lambda session: (session.creation_utc, session.id))

    async def test_that_sessions_are_filtered_by_agent_and_customer(
        self, sessions: SessionDocumentStore, listed: list[Session]
    ) -> None:
        everything = await sessions.list_sessions()
        anns = await sessions.list_sessions(customer_id=ANN)
        sales = await sessions.list_sessions(agent_id=SALES)
        both = await sessions.list_sessions(agent_id=SALES, customer_id=ANN)

        assert list(everything) == listed
        assert everything.total_count == 12
        assert list(anns) == [s for s in listed if s.customer_id == ANN]
        assert list(sales) == [s for s in listed if s.agent_id == SALES]
        assert list(both) == [s for s in listed if (s.agent_id, s.customer_id) == (SALES, ANN)]
        assert len(await sessions.list_sessions(customer_id=CustomerId("nobody"))) == 0

    @pytest.mark.parametrize("direction", [SortDirection.ASC, SortDirection.DESC])
    @pytest.mark.parametrize("limit", [1, 5, 12])
    async def test_that_pages_hold_each_session_once(
        self,
        sessions: SessionDocumentStore,
        listed: list[Session],
        limit: int,
        direction: SortDirection,
    ) -> None:
        expected = listed if direction == SortDirection.ASC else listed[::-1]
        seen: list[Session] = []
        cursor = None
        while True:
            page = await sessions.list_sessions(
                limit=limit, cursor=cursor, sort_direction=direction
            )
            assert page.total_count == 12 - len(seen)
            assert len(page) == limit or not page.has_more
            seen += page.items
            cursor = page.next_cursor
            if cursor is None:
                break

        assert seen == expected

    async def test_that_pages_may_be_filtered(
        self, sessions: SessionDocumentStore, listed: list[Session]
    ) -> None:
        first = await sessions.list_sessions(customer_id=BOB, limit=4)
        second = await sessions.list_sessions(customer_id=BOB, limit=4, cursor=first.next_cursor)

        assert [*first, *second] == [s for s in listed if s.customer_id == BOB]
        assert (first.total_count, second.total_count) == (6, 2)
        assert (first.has_more, second.has_more) == (True, False)


class TestEvents:
    @pytest.fixture
    async def session(self, sessions: SessionDocumentStore) -> Session:
        return await sessions.create_session(ANN, SUPPORT)

    async def test_that_an_event_is_read_as_it_was_created(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        created = await sessions.create_event(
            session.id,
            EventSource.AI_AGENT,
            EventKind.TOOL,
            "trace::1",
            {
                "tool_calls": [
                    {"tool_id": "s:t", "arguments": {"n": 1.0}, "result": {"data": [None]}}
                ]
            },
            metadata={"a": {"b": 1}},
            creation_utc=NOON,
        )

        assert await sessions.read_event(session.id, created.id) == created
        assert await sessions.list_events(session.id) == [created]

    async def test_that_offsets_count_from_zero_in_each_session(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        other = await sessions.create_session(BOB, SUPPORT)

        offsets = [(await say(sessions, session)).offset for _ in range(12)]
        others = [(await say(sessions, other)).offset for _ in range(2)]

        assert offsets == list(range(12))
        assert others == [0, 1]

    async def test_that_a_deleted_events_offset_is_not_given_again(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        events = [await say(sessions, session) for _ in range(3)]

        await sessions.delete_event(events[2].id)

        assert (await say(sessions, session)).offset == 3

    async def test_that_a_deleted_event_is_hidden_and_kept(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        events = [await say(sessions, session) for _ in range(3)]

        await sessions.delete_event(events[1].id)

        assert await sessions.list_events(session.id) == [events[0], events[2]]
        everything = await sessions.list_events(session.id, exclude_deleted=False)
        assert [event.id for event in everything] == [event.id for event in events]
        assert [event.deleted for event in everything] == [False, True, False]
        assert (await sessions.read_event(session.id, events[1].id)).deleted

    async def test_that_events_are_filtered_by_everything_at_once_or_alone(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        sources = (EventSource.CUSTOMER, EventSource.AI_AGENT, EventSource.SYSTEM)
        kinds = (EventKind.MESSAGE, EventKind.STATUS)
        events = [
            await say(sessions, session, sources[n % 3], kinds[n % 2], f"trace {n % 4}")
            for n in range(24)
        ]
        await sessions.delete_event(events[23].id)
        alive = events[:23]

        assert await sessions.list_events(session.id, source=EventSource.AI_AGENT) == [
            event for event in alive if event.source == EventSource.AI_AGENT
        ]
        assert await sessions.list_events(session.id, trace_id="trace 3") == [
            event for event in alive if event.trace_id == "trace 3"
        ]
        assert await sessions.list_events(session.id, min_offset=20) == alive[20:]
        assert await sessions.list_events(session.id, min_offset=0) == alive
        for wanted in ([EventKind.STATUS], list(kinds), [EventKind.TOOL, EventKind.MESSAGE]):
            assert await sessions.list_events(session.id, kinds=wanted) == [
                event for event in alive if event.kind in wanted
            ]
            assert await sessions.list_events(
                session.id,
                source=EventSource.CUSTOMER,
                trace_id="trace 0",
                kinds=wanted,
                min_offset=5,
                exclude_deleted=False,
            ) == [
                event
                for event in events
                if event.source == EventSource.CUSTOMER
                and event.trace_id == "trace 0"
                and event.kind in wanted
                and event.offset >= 5
            ]

    async def test_that_an_offset_beyond_ten_is_greater_than_nine(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        events = [await say(sessions, session) for _ in range(12)]

        assert await sessions.list_events(session.id, min_offset=9) == events[9:]
        assert await sessions.list_events(session.id, min_offset=10) == events[10:]

    async def test_that_data_and_metadata_can_be_updated(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        event = await say(sessions, session)

        await sessions.update_event(session.id, event.id, {"metadata": {"k": [1, 2.0]}})
        await sessions.update_event(session.id, event.id, {"data": {"message": "edited"}})
        same = await sessions.update_event(session.id, event.id, {})

        assert same == await sessions.read_event(session.id, event.id)
        assert same.data == {"message": "edited"}
        assert same.metadata == {"k": [1, 2.0]}

    async def test_that_a_deleted_or_foreign_event_cannot_be_updated(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        other = await sessions.create_session(BOB, SUPPORT)
        event, doomed = await say(sessions, session), await say(sessions, session)
        await sessions.delete_event(doomed.id)

        with pytest.raises(ItemNotFoundError):
            await sessions.update_event(other.id, event.id, {"data": {}})
        with pytest.raises(ItemNotFoundError):
            await sessions.update_event(session.id, doomed.id, {"data": {}})

    async def test_that_sessions_do_not_see_one_anothers_events(
        self, sessions: SessionDocumentStore, session: Session
    ) -> None:
        other = await sessions.create_session(ANN, SUPPORT)
        mine, theirs = await say(sessions, session), await say(sessions, other)

        assert await sessions.list_events(session.id) == [mine]
        assert await sessions.list_events(other.id) == [theirs]
