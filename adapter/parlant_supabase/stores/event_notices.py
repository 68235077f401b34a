"""Tells the clients that wait on a server what the server itself has written."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet

from parlant.core.sessions import Event, SessionId


class EventListener(Protocol):
    """Hears of events as soon as they are written."""

    def event_created(self, session_id: SessionId, event: Event) -> None:
        """An event is in the database."""
        ...

    def event_updated(self, session_id: SessionId, event: Event) -> None:
        """An event has other data than before."""
        ...


class EventNotices:
    """Passes on what a store has written to all who listen, for as long as they exist."""

    def __init__(self) -> None:
        self._listeners: WeakSet[EventListener] = WeakSet()

    def listen(self, listener: EventListener) -> None:
        """Lets a listener hear of all events from now on."""
        self._listeners.add(listener)

    def event_created(self, session_id: SessionId, event: Event) -> None:
        """Tells of an event that is in the database."""
        for listener in tuple(self._listeners):
            listener.event_created(session_id, event)

    def event_updated(self, session_id: SessionId, event: Event) -> None:
        """Tells of an event that has other data than before."""
        for listener in tuple(self._listeners):
            listener.event_updated(session_id, event)
