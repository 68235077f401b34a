"""Tells a server's turns when Parlant dispatches one, and ends them with the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from parlant.core.loggers import Logger
from parlant.core.sessions import SessionId
from typing_extensions import Self, override

from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.parlant_internals import BackgroundTaskService
from parlant_supabase.server.background_tasks import SessionTaskService
from parlant_supabase.server.shutdown import finish_turns
from parlant_supabase.stores.turns import Turns

# What Parlant calls the task that processes a session.
_TAG = re.compile(r"process-session\((?P<session_id>.+)\)")

_Run = Callable[[], Awaitable[None]]


class _TurnTasks(BackgroundTaskService):
    """A service of background tasks that knows which of them are turns.

    Args:
        logger: Parlant's.
        turns: Hears of turns.
        loops: What runs beside the turns for as long as the server does.
        last_words: Tells the database of turns that the server leaves.
        seconds_to_finish: How long turns may take to end when the server stops.
    """

    def __init__(
        self,
        logger: Logger,
        turns: Turns,
        loops: Sequence[_Run],
        last_words: _Run | None,
        seconds_to_finish: float,
    ) -> None:
        super().__init__(logger)
        self._turns = turns
        self._loops = loops
        self._last_words = last_words
        self._seconds_to_finish = seconds_to_finish
        self._running: list[asyncio.Task[None]] = []

    @override
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        # In the context of the server, which turns that are resumed need.
        self._running = [asyncio.create_task(_run(loop)) for loop in self._loops]
        return self

    @override
    async def __aexit__(self, *error: Any) -> bool:
        await self._stop()
        return await super().__aexit__(*error)

    @override
    async def restart(self, f: Coroutine[Any, Any, None], /, *, tag: str) -> asyncio.Task[None]:
        match = _TAG.fullmatch(tag)
        if match is None:
            return await super().restart(f, tag=tag)
        turn = self._turns.dispatch(SessionId(match["session_id"]))
        try:
            task = await super().restart(f, tag=tag)
        finally:
            self._turns.dispatched()
        self._turns.started(turn, task)
        return task

    @override
    async def cancel_all(self, *, reason: str = "(not given)") -> None:
        await self._stop()
        await super().cancel_all(reason=reason)

    async def _stop(self) -> None:
        running, self._running = self._running, []
        for loop in running:
            loop.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await finish_turns(self._turns.known, self._seconds_to_finish)
        if self._last_words is not None:
            # The callbacks of tasks that have ended run first.
            await asyncio.sleep(0)
            with suppress(SupabaseAdapterError, asyncio.TimeoutError):
                await asyncio.wait_for(self._last_words(), self._seconds_to_finish)


class TurnTaskService(_TurnTasks, SessionTaskService):
    """Knows turns, and lets no session wait for another."""


class LockedTurnTaskService(_TurnTasks):
    """Knows turns, and locks as Parlant does."""


async def _run(loop: _Run) -> None:
    await loop()
