"""Whatever is done to sessions and events, the answers are those of Parlant's own store."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.guidelines import GuidelineId
from parlant.core.journeys import JourneyId
from parlant.core.persistence.common import Cursor, SortDirection
from parlant.core.sessions import (
    AgentState,
    EventKind,
    EventSource,
    SessionDocumentStore,
)
from parlant_supabase.stores import SupabaseStores

from tests.supabase_stores.twins import Name, Twins

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    1e22,
    10**30,
    "",
    'Zoë "🜁"\n',
    [],
    [1, [None]],
    {"a": {"": [{}]}},
]
STEPS = 80


@pytest.fixture
async def both(stores: SupabaseStores) -> AsyncIterator[Twins]:
    """Parlant's store on its reference database, and ours."""
    async with SessionDocumentStore(TransientDocumentDatabase()) as reference:
        yield Twins(reference, stores["session_store"])


async def test_that_a_session_lives_as_in_parlant(both: Twins) -> None:
    await both("create_session", "c", "a", LONG_AGO, "Title", "manual", {"k": 1}, {"x"}, named="s")
    await both("update_session", Name("s"), {"title": None, "consumption_offsets": {"client": 3}})
    await both("update_session", Name("s"), {})
    await both(
        "update_session",
        Name("s"),
        {
            "agent_states": [
                AgentState("t", [GuidelineId("g")], {JourneyId("j"): [None, "n"]}),
                AgentState("u", [], {}),
            ]
        },
    )
    await both("set_metadata", Name("s"), "k", {"deep": [1, None]})
    await both("unset_metadata", Name("s"), "nothing")
    await both("upsert_labels", Name("s"), {"y", "z"})
    await both("remove_labels", Name("s"), {"x", "nothing"})
    await both("upsert_labels", Name("s"), set())
    await both("read_session", Name("s"))
    await both("create_session", "c", "a", named="empty")
    await both("list_sessions", labels={"y"})
    await both("list_sessions", "", "", labels=set())
    await both("delete_session", Name("s"))
    await both("delete_session", Name("s"))
    await both("read_session", Name("s"))
    await both("list_events", Name("s"))


async def test_that_an_event_lives_as_in_parlant(both: Twins) -> None:
    await both("create_session", "c", "a", LONG_AGO, named="s")
    await both("create_session", "c", "a", LONG_AGO + timedelta(1), named="other")
    for number in range(3):
        await both(
            "create_event",
            Name("s"),
            EventSource.CUSTOMER,
            EventKind.MESSAGE,
            "t",
            {"message": str(number)},
            {"n": number} if number else {},
            named=f"e{number}",
        )
    await both("read_event", Name("s"), Name("e1"))
    await both("read_event", Name("other"), Name("e1"))
    await both("read_event", Name("nowhere"), Name("e1"))
    await both("update_event", Name("s"), Name("e1"), {"data": {"chunks": ["a", None]}})
    await both("update_event", Name("s"), Name("e1"), {"metadata": {}})
    await both("update_event", Name("s"), Name("e1"), {})
    await both("update_event", Name("other"), Name("e1"), {"data": 1})
    await both("delete_event", Name("e1"))
    await both("delete_event", Name("e1"))
    await both("delete_event", Name("nothing"))
    await both("update_event", Name("s"), Name("e1"), {"data": 1})
    await both("read_event", Name("s"), Name("e1"))
    await both("list_events", Name("s"))
    await both("list_events", Name("s"), exclude_deleted=False)
    await both("list_events", Name("s"), min_offset=0)
    await both("list_events", Name("s"), min_offset=2)
    await both("list_events", Name("s"), EventSource.AI_AGENT)
    await both("list_events", Name("s"), trace_id="")
    await both("list_events", Name("s"), kinds=[EventKind.TOOL, EventKind.MESSAGE])
    await both("create_event", Name("s"), EventSource.SYSTEM, EventKind.TOOL, "t", {}, named="e3")
    await both("create_event", Name("x"), EventSource.SYSTEM, EventKind.TOOL, "t", {}, named="e4")


@pytest.mark.parametrize("seed", range(4))
async def test_that_any_history_reads_as_in_parlant(both: Twins, seed: int) -> None:
    history = _History(random.Random(seed), both)
    for _ in range(STEPS):
        await history.step()
    await history.read_everything()


class _History:
    """Random calls, of which both stores get the same."""

    def __init__(self, random: random.Random, both: Twins) -> None:
        self._random = random
        self._both = both
        self._sessions = ["nowhere"]
        self._events = [("nowhere", "nothing")]
        # No two of them alike, as each store breaks a tie by ids of its own.
        self._moments = iter(random.sample(range(10_000), 10_000))

    async def step(self) -> None:
        steps: list[Callable[[], Any]] = [
            self._create_session,
            self._create_event,
            self._create_event,
            self._create_event,
            self._change_session,
            self._change_event,
            self._list_sessions,
            self._list_events,
        ]
        await self._random.choice(steps)()

    async def read_everything(self) -> None:
        await self._both("list_sessions")
        for session in self._sessions:
            await self._both("list_events", Name(session), exclude_deleted=False)

    async def _create_session(self) -> None:
        name = f"s{len(self._sessions)}"
        await self._both(
            "create_session",
            self._random.choice(["c1", "c2"]),
            self._random.choice(["a1", "a2"]),
            self._moment(),
            self._random.choice([None, "", "Title"]),
            self._random.choice([None, "auto", "manual"]),
            {"k": self._value()},
            self._labels(),
            named=name,
        )
        self._sessions.append(name)

    async def _create_event(self) -> None:
        session, name = self._session(), f"e{len(self._events)}"
        created = await self._both(
            "create_event",
            Name(session),
            self._random.choice(list(EventSource)),
            self._random.choice(list(EventKind)),
            self._random.choice(["t1", "t2"]),
            self._value(),
            self._random.choice([{}, {"m": self._value()}]),
            self._random.choice([None, self._moment()]),
            named=name,
        )
        if created:
            self._events.append((session, name))

    async def _change_session(self) -> None:
        changes: list[tuple[Any, ...]] = [
            ("update_session", {"title": self._random.choice([None, "New"])}),
            ("update_session", {"customer_id": "c3", "mode": "manual"}),
            ("update_session", {"metadata": {"all": self._value()}}),
            ("set_metadata", self._random.choice(["k", ""]), self._value()),
            ("unset_metadata", "k"),
            ("upsert_labels", self._labels()),
            ("remove_labels", self._labels()),
            ("read_session",),
            ("delete_session",) if self._random.random() < 0.3 else ("read_session",),
        ]
        method, *arguments = self._random.choice(changes)
        await self._both(method, Name(self._session()), *arguments)

    async def _change_event(self) -> None:
        session, event = self._random.choice(self._events)
        if self._random.random() < 0.1:
            session = self._session()
        change: dict[str, Any] = {}
        if self._random.random() < 0.5:
            change["data"] = self._value()
        if self._random.random() < 0.5:
            change["metadata"] = self._random.choice([{}, {"m": self._value()}])
        changes: list[tuple[Any, ...]] = [
            ("update_event", Name(session), Name(event), change),
            ("read_event", Name(session), Name(event)),
            ("delete_event", Name(event)),
        ]
        method, *arguments = self._random.choice(changes)
        await self._both(method, *arguments)

    async def _list_sessions(self) -> None:
        filters = {
            "agent_id": self._random.choice([None, None, "a1"]),
            "customer_id": self._random.choice([None, None, "c1", "c9"]),
            "sort_direction": self._random.choice([None, *SortDirection]),
        }
        if self._random.random() < 0.3:
            await self._both("list_sessions", **filters, labels=self._labels())
            return
        limit, cursor = self._random.choice([None, 0, 1, 3]), None
        while True:
            page = await self._both("list_sessions", **filters, limit=limit, cursor=cursor)
            if page["next_cursor"] is None:
                break
            cursor = Cursor(page["next_cursor"]["creation_utc"], Name(page["next_cursor"]["id"]))  # type: ignore[arg-type]

    async def _list_events(self) -> None:
        await self._both(
            "list_events",
            Name(self._session()),
            self._random.choice([None, None, *EventSource]),
            self._random.choice([None, None, "t1", "t9"]),
            self._random.sample(list(EventKind), self._random.randrange(3)),
            self._random.choice([None, 0, 1, 4, 100]),
            self._random.choice([True, False]),
        )

    def _session(self) -> str:
        return self._random.choice(self._sessions[-4:] + self._sessions[:1])

    def _moment(self) -> datetime:
        return LONG_AGO + timedelta(seconds=next(self._moments), microseconds=10)

    def _value(self) -> Any:
        return self._random.choice(VALUES)

    def _labels(self) -> set[str]:
        return set(self._random.sample(["x", "y", "Zoë"], self._random.randrange(3)))
