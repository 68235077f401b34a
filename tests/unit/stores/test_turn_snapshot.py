"""What a snapshot holds, and when it lets go, without a database."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast
from weakref import ReferenceType, ref

import pytest
from parlant_supabase.connection import Connection
from parlant_supabase.stores.turn_snapshot import (
    Part,
    TurnSnapshot,
    current_snapshot,
    event_created,
    known_customer,
    known_events,
    known_session,
    use_snapshot,
    using_snapshot,
    writing,
)

CONNECTION, OTHER = cast(Connection, object()), cast(Connection, object())
ANN: Any = {"document": {"id": "ann", "extra": {"k": ["v"]}}, "tags": ["vip"]}


def event(offset: int, creation_utc: str) -> dict[str, Any]:
    return {"id": f"e{offset}", "offset": offset, "creation_utc": creation_utc}


def a_snapshot() -> TurnSnapshot:
    """One of the running task, with a customer and two events."""
    snapshot = TurnSnapshot()
    snapshot.hold_customer(CONNECTION, "ann", ANN)
    snapshot.hold_events(CONNECTION, "s1", [event(0, "1"), event(1, "2")])
    return snapshot


async def test_that_what_is_held_is_known_to_those_who_ask_for_the_same() -> None:
    with using_snapshot(a_snapshot()):
        known: Any = known_customer(CONNECTION, "ann")
        assert known == ANN
        assert known is not ANN
        assert known["document"]["extra"]["k"] is not ANN["document"]["extra"]["k"]
        assert known_customer(CONNECTION, "bob") is None
        assert known_customer(OTHER, "ann") is None


async def test_that_a_write_drops_its_part_and_no_other() -> None:
    with using_snapshot(a_snapshot()):
        with writing(Part.CUSTOMER, "bob"), writing(Part.EVENTS, "s2"):
            pass
        assert known_customer(CONNECTION, "ann") == ANN

        with writing(Part.CUSTOMER, "ann"):
            assert known_customer(CONNECTION, "ann") == ANN, "until it has been written"
        assert known_customer(CONNECTION, "ann") is None
        assert known_events(CONNECTION, "s1") is not None

        with writing(Part.EVENTS):
            pass
        assert known_events(CONNECTION, "s1") is None


async def test_that_a_write_that_fails_drops_its_part() -> None:
    with using_snapshot(a_snapshot()):
        with pytest.raises(ValueError, match="lost"), writing(Part.CUSTOMER, "ann"):
            raise ValueError("lost")
        assert known_customer(CONNECTION, "ann") is None


async def test_that_what_was_dropped_while_it_was_read_is_not_held() -> None:
    snapshot = TurnSnapshot()
    with writing(Part.CUSTOMER, "ann"), writing(Part.VALUES):
        pass
    snapshot.hold_customer(CONNECTION, "ann", ANN)
    snapshot.hold(Part.VALUES, "plan", "key", {"document": None})

    assert snapshot.find(Part.CUSTOMER, "ann", CONNECTION) is None
    assert snapshot.find(Part.VALUES, "plan", "key") is None


@pytest.mark.parametrize(
    ("created", "ids"),
    [
        (event(2, "3"), ["e0", "e1", "e2"]),
        (event(3, "3"), None),
        (event(2, "2"), None),
        (event(1, "3"), None),
    ],
)
async def test_that_an_event_is_added_if_nothing_is_missing_before_it(
    created: dict[str, Any], ids: list[str] | None
) -> None:
    snapshot = a_snapshot()
    event_created(CONNECTION, "s1", created)

    with using_snapshot(snapshot):
        known = known_events(CONNECTION, "s1")
        assert (known and [each["id"] for each in known["documents"] or []]) == ids


@pytest.mark.parametrize(("offset", "is_known"), [(0, True), (1, False)])
async def test_that_an_event_is_the_first_if_its_offset_says_so(
    offset: int, is_known: bool
) -> None:
    snapshot = TurnSnapshot()
    snapshot.hold_events(CONNECTION, "s1", [])
    event_created(CONNECTION, "s1", event(offset, "1"))

    with using_snapshot(snapshot):
        assert (known_events(CONNECTION, "s1") is not None) is is_known


async def test_that_events_of_another_database_are_none_of_ours() -> None:
    snapshot = a_snapshot()
    event_created(OTHER, "s1", event(2, "3"))

    with using_snapshot(snapshot):
        assert known_events(CONNECTION, "s1") is None, "it may be the same by another name"


async def test_that_a_session_is_held_for_one_read_and_as_it_was_last_read() -> None:
    snapshot = TurnSnapshot()
    with writing(Part.SESSION, "s1"):
        pass
    snapshot.hold_session(CONNECTION, "s1", {"id": "s1"})

    with using_snapshot(snapshot):
        assert known_session(CONNECTION, "s1") == {"document": {"id": "s1"}}
        assert known_session(CONNECTION, "s1") is None

        snapshot.hold_session(CONNECTION, "s1", {"id": "s1"})
        with writing(Part.SESSION, "s1"):
            pass
        assert known_session(CONNECTION, "s1") is None


async def test_that_a_session_is_expected_where_somebody_asked_for_it() -> None:
    snapshot = TurnSnapshot()
    snapshot.expect_session(CONNECTION, "s1")

    assert snapshot.expects_session(CONNECTION, "s1")
    assert not snapshot.expects_session(CONNECTION, "s2")
    assert not snapshot.expects_session(OTHER, "s1")


@pytest.mark.parametrize("with_subtasks", [True, False])
async def test_that_a_snapshot_is_for_its_task_as_long_as_that_runs(with_subtasks: bool) -> None:
    ended = asyncio.Event()

    async def is_current() -> bool:
        return current_snapshot() is not None

    async def is_current_later() -> bool:
        await ended.wait()
        return current_snapshot() is not None

    async def turn() -> asyncio.Task[bool]:
        use_snapshot(TurnSnapshot(with_subtasks))
        assert await is_current()
        assert await asyncio.create_task(is_current()) is with_subtasks
        return asyncio.create_task(is_current_later())

    later = await asyncio.create_task(turn())
    ended.set()
    assert await later is False
    assert current_snapshot() is None


async def test_that_a_snapshot_goes_with_its_turn() -> None:
    async def turn() -> ReferenceType[TurnSnapshot]:
        snapshot = TurnSnapshot()
        use_snapshot(snapshot)
        return ref(snapshot)

    made = await asyncio.create_task(turn())
    await asyncio.sleep(0)
    gc.collect()

    assert made() is None
