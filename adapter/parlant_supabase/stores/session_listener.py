"""Waits for the events of many sessions with the requests of one."""

from __future__ import annotations

from collections.abc import Sequence

from parlant.core.async_utils import Timeout
from parlant.core.sessions import (
    Event,
    EventId,
    EventKind,
    EventSource,
    SessionId,
)
from typing_extensions import override

from parlant_supabase.parlant_internals import PollingSessionListener
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.shared_looks import SharedLooks
from parlant_supabase.stores.watches import EventWatch, StreamWatch

# As often as Parlant's own listener looks, which does it for each client that waits.
_SECONDS_BETWEEN_LOOKS = 0.25
_SECONDS_BETWEEN_LOOKS_AT_STREAMS = 0.1

_FOREVER = Timeout.infinite()


class SupabaseSessionListener(PollingSessionListener):
    """Lets any number of clients wait for events at the cost of one.

    A client is woken at once by what this server writes. For what other servers write, Parlant's
    listener asks four times a second for each client that waits, and ten times for each that waits
    for a streamed message; this one asks as often for all of them together, besides a look of each
    client's own when it begins to wait and when its time is up. `join_server` gives it to a server.

    Args:
        session_store: Where the events are.
    """

    def __init__(self, session_store: SupabaseSessionStore) -> None:
        super().__init__(session_store)
        self._store = session_store
        self._events = SharedLooks(session_store._check_events, _SECONDS_BETWEEN_LOOKS)
        self._streams = SharedLooks(session_store._check_streams, _SECONDS_BETWEEN_LOOKS_AT_STREAMS)
        session_store._notices.listen(self)

    @override
    async def wait_for_more_events(
        self,
        session_id: SessionId,
        kinds: Sequence[EventKind] = [],
        min_offset: int | None = None,
        source: EventSource | None = None,
        trace_id: str | None = None,
        timeout: Timeout = _FOREVER,
    ) -> bool:
        watch = EventWatch(session_id, source, trace_id, kinds, min_offset)
        return await self._events.wait(watch, timeout)

    @override
    async def wait_for_event_completion(
        self, session_id: SessionId, event_id: EventId, timeout: Timeout = _FOREVER
    ) -> bool:
        return await self._streams.wait(StreamWatch(session_id, event_id), timeout)

    @override
    async def wait_for_new_streaming_chunks(
        self,
        session_id: SessionId,
        event_id: EventId,
        last_known_chunk_count: int,
        timeout: Timeout = _FOREVER,
    ) -> bool:
        watch = StreamWatch(session_id, event_id, last_known_chunk_count)
        return await self._streams.wait(watch, timeout)

    def event_created(self, session_id: SessionId, event: Event) -> None:
        """Wakes the clients that wait for an event which this server has created."""
        self._events.tell(lambda watch: watch.is_met_by(session_id, event))

    def event_updated(self, session_id: SessionId, event: Event) -> None:
        """Wakes the clients that wait for an event which this server has changed."""
        self._streams.tell(lambda watch: watch.event_id == event.id and watch.is_met_by(event))
