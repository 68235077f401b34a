"""What clients of a session wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from parlant.core.sessions import Event, EventId, EventKind, EventSource, SessionId


@dataclass(frozen=True)
class EventWatch:
    """Which events a client waits for; None and no kinds mean any."""

    session_id: SessionId
    source: EventSource | None = None
    trace_id: str | None = None
    kinds: Sequence[EventKind] = ()
    min_offset: int | None = None

    def is_met_by(self, session_id: SessionId, event: Event) -> bool:
        """Whether the client waits for this event, as the database would say."""
        return (
            session_id == self.session_id
            and not event.deleted
            and (not self.source or event.source is self.source)
            and (not self.trace_id or event.trace_id == self.trace_id)
            and (not self.kinds or event.kind in self.kinds)
            and (not self.min_offset or event.offset >= self.min_offset)
        )


@dataclass(frozen=True)
class StreamWatch:
    """How far a client waits for a streamed message to get.

    Attributes:
        session_id: The session.
        event_id: The event of the message.
        known_chunks: How many chunks the client has; None if it waits for the end.
    """

    session_id: SessionId
    event_id: EventId
    known_chunks: int | None = None

    def is_met_by(self, event: Event) -> bool:
        """Whether the message has come that far; one that is not streamed always has."""
        chunks = event.data.get("chunks") if isinstance(event.data, Mapping) else None
        if not isinstance(chunks, Sequence):
            return True
        if chunks and chunks[-1] is None:
            return True
        return self.known_chunks is not None and len(chunks) > self.known_chunks
