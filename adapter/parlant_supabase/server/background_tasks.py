"""Runs a server's background tasks so that no session waits for another."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from parlant.core.loggers import Logger
from typing_extensions import override

from parlant_supabase.parlant_internals import BackgroundTaskService

Task = asyncio.Task[None]


class SessionTaskService(BackgroundTaskService):
    """Parlant's service of background tasks, with a lock for each tag.

    Parlant's own holds one lock for all tags while `restart` waits for the task that it cancels, so
    a customer's message is not accepted before the slow turn of another customer has ended.

    Args:
        logger: Hears of what tasks raise.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__(logger)
        self._logger = logger
        self._tasks: dict[str, Task] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._users_of_locks: dict[str, int] = {}

    @override
    async def cancel(self, *, tag: str, reason: str = "(not given)") -> None:
        async with self._alone_with(tag):
            if task := self._tasks.get(tag):
                task.cancel(_forced(reason))
        await self.collect()

    @override
    async def cancel_all(self, *, reason: str = "(not given)") -> None:
        self._logger.info(f"Cancelling all background tasks ({len(self._tasks)})")
        for task in self._tasks.values():
            task.cancel(_forced(reason))
        await self.collect()

    @override
    async def start(self, f: Coroutine[Any, Any, None], /, *, tag: str) -> Task:
        await self.collect()
        async with self._alone_with(tag):
            if (existing := self._tasks.get(tag)) and not existing.done():
                f.close()
                raise Exception(
                    f"Task '{tag}' is already running; consider calling restart() instead"
                )
            return self._create(f, tag)

    @override
    async def restart(self, f: Coroutine[Any, Any, None], /, *, tag: str) -> Task:
        await self.collect()
        async with self._alone_with(tag):
            if (existing := self._tasks.get(tag)) and not existing.done():
                existing.cancel(f"Restarting task '{tag}'")
                await self._await_task(existing)
            return self._create(f, tag)

    @override
    async def collect(self, *, force: bool = False) -> None:
        """Forgets tasks that have ended, and logs what they raised.

        Args:
            force: Whether to wait for those that run.
        """
        for tag, task in list(self._tasks.items()):
            if not task.done():
                if not force:
                    continue
                self._logger.info(f"Waiting for background task '{tag}' to finish")
            await self._await_task(task)
            if self._tasks.get(tag) is task:
                del self._tasks[tag]

    @override
    async def _await_task(self, task: Task) -> None:
        try:
            await task
        except asyncio.CancelledError:
            # Also if the caller is cancelled, such as by a customer who has hung up: what it
            # waited to start is started all the same.
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self._logger.warning(
                "A background task raised an exception: "
                + "".join(traceback.format_exception(error))
            )

    def _create(self, f: Coroutine[Any, Any, None], tag: str) -> Task:
        task = self._tasks[tag] = asyncio.create_task(f)
        return task

    @asynccontextmanager
    async def _alone_with(self, tag: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(tag, asyncio.Lock())
        self._users_of_locks[tag] = self._users_of_locks.get(tag, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users_of_locks[tag] -= 1
            if not self._users_of_locks[tag]:
                del self._users_of_locks[tag], self._locks[tag]


def _forced(reason: str) -> str:
    return f"Forced cancellation by {SessionTaskService.__name__} [reason: {reason}]"
