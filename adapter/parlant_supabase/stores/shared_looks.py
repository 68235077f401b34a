"""Lets any number of waiting clients look for what they wait for with the requests of one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from typing import Generic, TypeVar

from parlant.core.async_utils import Timeout

Watch = TypeVar("Watch")


class SharedLooks(Generic[Watch]):
    """Waits for things that may be told of or have to be looked for.

    Args:
        look: Whether what each watch is for is there, or why that cannot be told.
        seconds_between: The pause between looks for all who wait.

    Attributes:
        seconds_between: The pause between looks.
        waiting: Who waits until a look finds something, and for what.
        looking: The task that looks, while anyone waits.
    """

    def __init__(
        self,
        look: Callable[[Sequence[Watch]], Awaitable[Sequence[bool | Exception]]],
        seconds_between: float,
    ) -> None:
        self._look_for = look
        self.seconds_between = seconds_between
        self._told: dict[asyncio.Future[bool], Watch] = {}
        self.waiting: dict[asyncio.Future[bool], Watch] = {}
        self.looking: asyncio.Task[None] | None = None

    def tell(self, is_met: Callable[[Watch], bool]) -> None:
        """Ends the waits of all whose watch is met."""
        for arrival, watch in self._told.items():
            if not arrival.done() and is_met(watch):
                arrival.set_result(True)

    async def wait(self, watch: Watch, timeout: Timeout) -> bool:
        """Whether what the watch is for arrives in time.

        Looks when the wait begins and when its time is up; in between, looks are for all who wait.

        Raises:
            Exception: What a look came to for this watch.
        """
        # Listening before the first look, so that nothing is missed that is written meanwhile.
        with self._listening(watch) as arrival:
            if await self._look_at(watch) or arrival.done():
                return True
            if timeout.expired():
                return False
            self.waiting[arrival] = watch
            if self.looking is None:
                # In an empty context: the look is for all, so it carries no client's trace.
                self.looking = Context().run(asyncio.create_task, self._look_while_anyone_waits())
            remaining = timeout.remaining()
            try:
                return await asyncio.wait_for(arrival, None if remaining == math.inf else remaining)
            except asyncio.TimeoutError:
                return await self._look_at(watch)
            finally:
                del self.waiting[arrival]

    @contextmanager
    def _listening(self, watch: Watch) -> Iterator[asyncio.Future[bool]]:
        arrival: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._told[arrival] = watch
        try:
            yield arrival
        finally:
            del self._told[arrival]

    async def _look_at(self, watch: Watch) -> bool:
        [found] = await self._look_for([watch])
        if isinstance(found, Exception):
            raise found
        return found

    async def _look_while_anyone_waits(self) -> None:
        try:
            while True:
                await asyncio.sleep(self.seconds_between)
                if not self.waiting:
                    return
                await self._look()
        finally:
            self.looking = None

    async def _look(self) -> None:
        waiting = dict(self.waiting)
        results: Sequence[bool | Exception]
        try:
            results = await self._look_for(list(waiting.values()))
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
