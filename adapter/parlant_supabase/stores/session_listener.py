"""Waits for the events of many sessions with the requests of one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextvars import Context

from parlant.core.async_utils import Timeout
from parlant.core.sessions import (
    EventKind,
    EventSource,
    SessionId,
)
from typing_extensions import override

from parlant_supabase.parlant_internals import PollingSessionListener
from parlant_supabase.stores.session_store import EventWatch, SupabaseSessionStore

# As often as Parlant's own listener looks, which does it for each client that waits.
_SECONDS_BETWEEN_LOOKS = 0.25

_FOREVER = Timeout.infinite()


class SupabaseSessionListener(PollingSessionListener):
    """Lets any number of clients wait for events at the cost of one.

    Parlant's listener asks four times a second for each client that waits; this one asks four
    times a second for all of them together, besides a look of each client's own when it begins to
    wait and when its time is up. `join_server` gives it to a server.

    Args:
        session_store: Where the events are.
    """

    def __init__(self, session_store: SupabaseSessionStore) -> None:
        super().__init__(session_store)
        self._store = session_store
        self._waiting: dict[asyncio.Future[bool], EventWatch] = {}
        self._looking: asyncio.Task[None] | None = None

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
        if await self._look_at(watch):
            return True
        if timeout.expired():
            return False
        arrival: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[arrival] = watch
        if self._looking is None:
            # In an empty context: the look is for all clients, so it carries no client's trace.
            self._looking = Context().run(asyncio.create_task, self._look_while_anyone_waits())
        remaining = timeout.remaining()
        try:
            return await asyncio.wait_for(arrival, None if remaining == math.inf else remaining)
        except asyncio.TimeoutError:
            return await self._look_at(watch)
        finally:
            del self._waiting[arrival]

    async def _look_at(self, watch: EventWatch) -> bool:
        [found] = await self._store._check_events([watch])
        if isinstance(found, Exception):
            raise found
        return found

    async def _look_while_anyone_waits(self) -> None:
        try:
            while True:
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
                if not self._waiting:
                    return
                await self._look()
        finally:
            self._looking = None

    async def _look(self) -> None:
        waiting = dict(self._waiting)
        results: Sequence[bool | Exception]
        try:
            results = await self._store._check_events(list(waiting.values()))
        except Exception as error:
            # Whoever waits hears what became of the look, as with a look of its own.
            results = [error] * len(waiting)
        for arrival, result in zip(waiting, results, strict=True):
            if arrival.done():
                continue
            if isinstance(result, Exception):
                arrival.set_exception(result)
            elif result:
                arrival.set_result(True)
