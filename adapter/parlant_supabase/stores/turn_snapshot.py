"""Answers later reads of a turn from what was read when it began, as long as that still holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, cast
from weakref import WeakSet, ref

from parlant_supabase.connection import Connection
from parlant_supabase.errors import UnstorableValueError
from parlant_supabase.rpc.encoding import encode_document
from parlant_supabase.rpc.replies import (
    Document,
    DocumentReply,
    EventsReply,
    TaggedListReply,
    TaggedReply,
    TurnReply,
)


class Part(Enum):
    """What a snapshot may hold, and what the id is that it is of."""

    SESSION = "the session with that id"
    CUSTOMER = "the customer with that id, and the customer's tags"
    EVENTS = "the events of the session with that id"
    VARIABLES = "variables and their tags"
    VALUES = "values of the variable with that id"


class TurnSnapshot:
    """Replies of the database to what a turn begins with.

    It lives as long as the task that made it. A write of this process to a part drops that part, in
    every snapshot; a part that is dropped while it is read is not held at all.

    Args:
        with_subtasks: Whether tasks that the task starts are answered from it, too.
    """

    def __init__(self, with_subtasks: bool = True) -> None:
        task = asyncio.current_task()
        # A task keeps its snapshot alive, and not the other way round.
        self._owner = None if task is None else ref(task)
        self._with_subtasks = with_subtasks
        self._held: dict[tuple[Part, str], dict[Hashable, Any]] = {}
        self._dropped: set[tuple[Part, str | None]] = set()
        self._expected_sessions: set[tuple[Connection, str]] = set()
        _snapshots.add(self)

    @property
    def is_valid_here(self) -> bool:
        """Whether the running task may be answered from it."""
        owner = None if self._owner is None else self._owner()
        if owner is None or owner.done():
            return False
        return self._with_subtasks or asyncio.current_task() is owner

    def expect_session(self, connection: Connection, session_id: str) -> None:
        """Asks whoever writes to a session to hold it as it is then."""
        self._expected_sessions.add((connection, session_id))

    def expects_session(self, connection: Connection, session_id: str) -> bool:
        """Whether that was asked for."""
        return (connection, session_id) in self._expected_sessions

    def hold(self, part: Part, of: str, key: Hashable, reply: object) -> None:
        """Holds a reply, unless its part has been dropped."""
        if not self._dropped & {(part, of), (part, None)}:
            self._held.setdefault((part, of), {})[key] = reply

    def hold_session(self, connection: Connection, session_id: str, session: Document) -> None:
        """Holds a session as it is now, whatever was written to it before."""
        self._dropped.discard((Part.SESSION, session_id))
        self.hold(Part.SESSION, session_id, connection, {"document": session})

    def hold_customer(self, connection: Connection, customer_id: str, reply: TaggedReply) -> None:
        """Holds a customer."""
        self.hold(Part.CUSTOMER, customer_id, connection, reply)

    def hold_events(self, connection: Connection, session_id: str, events: list[Document]) -> None:
        """Holds the events of a session that are not deleted."""
        self.hold(Part.EVENTS, session_id, connection, {"documents": events})

    def hold_variables(
        self, connection: Connection, tag_lists: Sequence[Sequence[str]], reply: TurnReply
    ) -> None:
        """Holds the variables of lists of tags, and what values they have for the reply's keys."""
        values = {(each["variable_id"], each["key"]): each for each in reply["values"]}
        for tags, items in zip(tag_lists, reply["variables"], strict=True):
            self.hold(Part.VARIABLES, "", (connection, tuple(tags)), {"items": items})
            for item in items:
                id = item["document"]["id"]
                self.hold(Part.VARIABLES, "", (connection, id), item)
                for key in reply["keys"]:
                    document = values.get((id, key))
                    self.hold(Part.VALUES, id, (connection, key), {"document": document})

    def find(self, part: Part, of: str, key: Hashable) -> Any:
        """A copy of what is held, because callers change what they get; None if nothing is."""
        return _copy(self._held.get((part, of), {}).get(key))

    def take_session(self, connection: Connection, session_id: str) -> Any:
        """A session that is held, for the one read that follows."""
        return self._held.pop((Part.SESSION, session_id), {}).get(connection)

    def drop(self, part: Part, of: str | None) -> None:
        """Lets go of a part; of None means of everything."""
        self._dropped.add((part, of))
        for held in [key for key in self._held if key[0] is part and of in (None, key[1])]:
            del self._held[held]

    def add_event(self, connection: Connection, session_id: str, event: Document) -> None:
        """Adds an event to those of its session, or drops them if others may be in between."""
        held = self._held.get((Part.EVENTS, session_id), {}).get(connection)
        if held is not None and _follows(held["documents"], event):
            held["documents"].append(_copy(event))
        else:
            self.drop(Part.EVENTS, session_id)


_snapshots: WeakSet[TurnSnapshot] = WeakSet()

_current: ContextVar[TurnSnapshot | None] = ContextVar(
    "parlant_supabase_turn_snapshot", default=None
)


def current_snapshot() -> TurnSnapshot | None:
    """The snapshot from which the running task may be answered."""
    snapshot = _current.get()
    return snapshot if snapshot is not None and snapshot.is_valid_here else None


def use_snapshot(snapshot: TurnSnapshot | None) -> None:
    """Answers what the running task reads, and tasks that it starts, from a snapshot, if any."""
    _current.set(snapshot)


@contextmanager
def using_snapshot(snapshot: TurnSnapshot) -> Iterator[None]:
    """Does the same for a block."""
    token = _current.set(snapshot)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def writing(part: Part, of: str | None = None) -> Iterator[None]:
    """Drops a part from every snapshot when the block ends, in which it is written."""
    try:
        yield
    finally:
        # After the write, because a snapshot that is read meanwhile may lack it.
        for snapshot in tuple(_snapshots):
            snapshot.drop(part, of)


def event_created(connection: Connection, session_id: str, event: Document) -> None:
    """Lets every snapshot of the session know of an event that this process has written."""
    snapshots = tuple(_snapshots)
    stored = _as_stored(event) if snapshots else None
    for snapshot in snapshots:
        if stored is None:
            snapshot.drop(Part.EVENTS, session_id)
        else:
            snapshot.add_event(connection, session_id, stored)


def known_session(connection: Connection, session_id: str) -> DocumentReply | None:
    """The session that was read for the read that follows; None if none was."""
    snapshot = current_snapshot()
    if snapshot is None:
        return None
    return cast("DocumentReply | None", snapshot.take_session(connection, session_id))


def known_customer(connection: Connection, customer_id: str) -> TaggedReply | None:
    """What READ_CUSTOMER has answered; None if it has to be asked."""
    return cast("TaggedReply | None", _find(Part.CUSTOMER, customer_id, connection))


def known_events(connection: Connection, session_id: str) -> EventsReply | None:
    """What LIST_EVENTS has answered for the events that are not deleted."""
    return cast("EventsReply | None", _find(Part.EVENTS, session_id, connection))


def known_variables(connection: Connection, tags: Sequence[str]) -> TaggedListReply | None:
    """What LIST_VARIABLES has answered for a list of tags."""
    return cast("TaggedListReply | None", _find(Part.VARIABLES, "", (connection, tuple(tags))))


def known_variable(connection: Connection, variable_id: str) -> TaggedReply | None:
    """What READ_VARIABLE has answered."""
    return cast("TaggedReply | None", _find(Part.VARIABLES, "", (connection, variable_id)))


def known_value(connection: Connection, variable_id: str, key: str) -> DocumentReply | None:
    """What FIND_ONE has answered for a variable's value."""
    return cast("DocumentReply | None", _find(Part.VALUES, variable_id, (connection, key)))


def _find(part: Part, of: str, key: Hashable) -> Any:
    snapshot = current_snapshot()
    return None if snapshot is None else snapshot.find(part, of, key)


def _follows(events: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    if not events:
        return bool(event["offset"] == 0)
    last = events[-1]
    return bool(
        last["offset"] + 1 == event["offset"] and last["creation_utc"] < event["creation_utc"]
    )


def _as_stored(document: Mapping[str, Any]) -> Document | None:
    """A document as the database returns it; None if that is not known here."""
    try:
        # What cannot be stored as it is has been replaced on its way.
        encode_document(document)
        return json.loads(json.dumps(document))
    except (UnstorableValueError, TypeError):
        return None


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
