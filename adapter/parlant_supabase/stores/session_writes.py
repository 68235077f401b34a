"""Writes to sessions behind the back of a turn, in the order in which they were made."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

from parlant.core.sessions import SessionId

from parlant_supabase.rpc.replies import Document

# How long a status event waits for others to share its request. Whatever cannot wait sends it on.
_LINGER_SECONDS = 0.05

# As many as the database takes in a call.
_MAX_EVENTS = 50

_deferring: ContextVar[bool] = ContextVar("parlant_supabase_deferring", default=False)
_turn: ContextVar[object | None] = ContextVar("parlant_supabase_writing_turn", default=None)


@contextmanager
def deferring() -> Iterator[None]:
    """Lets whoever creates an event in the block go on before it is written."""
    token = _deferring.set(True)
    try:
        yield
    finally:
        _deferring.reset(token)


def is_deferring() -> bool:
    """Whether the caller does not wait for the event that it creates."""
    return _deferring.get()


def begin_turn() -> None:
    """Makes all that the running task writes from now on, and its subtasks, part of one turn."""
    _turn.set(object())


def is_in_turn() -> bool:
    """Whether the running task is part of a turn that defers events."""
    return _turn.get() is not None


@dataclass
class Written:
    """What became of a write: the place of an event, the session where it was asked for.

    Both are None where the database refused the write because a newer turn has begun.
    """

    offset: int | None = None
    creation_utc: str | None = None
    session: Document | None = None


@dataclass(eq=False)
class Write:
    """An event that is appended to a session, or changes of the session.

    Attributes:
        event: The event without its offset; None for changes of the session.
        params: The changes; None for an event.
        with_session: Whether the session is asked for.
        fence: The turn that the database is told of, which those of a request share.
        step: The step of it that the write is; None if it merely goes on.
        whole: The changes for a database that keeps no turns.
        made_at: When it was made, by the clock of `time.monotonic`.
        turn: The turn that hears of errors.
        is_awaited: Whether its caller waits for it.
        done: What became of it.
    """

    event: Document | None = None
    params: Mapping[str, Any] | None = None
    with_session: bool = False
    fence: Any = None
    step: str | None = None
    whole: Mapping[str, Any] | None = None
    made_at: float = field(default_factory=time.monotonic)
    turn: object | None = field(default_factory=_turn.get)
    is_awaited: bool = True
    done: asyncio.Future[Written] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self.made_at


class SessionWrites:
    """Makes deferred writes in the background, and waits for them before any later write.

    While writes of a session are pending, each further one of that session is made after them.
    Those that follow each other are one request, all of it or nothing. A deferred write that fails
    is lost, with those of its request; its turn hears of it at its next write, which is not made.

    Args:
        write: Makes consecutive writes of a session with one request: events and then, at the end,
            changes of the session.
        report: Hears of an error that its turn does not wait for any more.
    """

    def __init__(
        self,
        write: Callable[[SessionId, Sequence[Write]], Awaitable[Sequence[Written]]],
        report: Callable[[SessionId, Exception], None],
    ) -> None:
        self._write = write
        self._report = report
        self._queues: dict[SessionId, _Queue] = {}
        self._errors: dict[SessionId, tuple[object | None, Exception]] = {}

    def defer(self, session_id: SessionId, write: Write) -> None:
        """Makes a write in the background."""
        write.is_awaited = False
        self._queue(session_id).writes.append(write)

    async def make(self, session_id: SessionId, write: Write) -> Written:
        """Makes a write after all that are pending.

        Raises:
            Exception: It failed, or a deferred write of its turn has failed before it.
        """
        self._raise_error(session_id, write.turn)
        queue = self._queues.get(session_id)
        if queue is None:
            [written] = await self._write(session_id, [write])
            return written
        queue.writes.append(write)
        queue.hurry.set()
        try:
            return await write.done
        finally:
            # A caller that is cancelled before its write is sent has not made it.
            if write in queue.writes:
                queue.writes.remove(write)

    async def flush(self, session_id: SessionId) -> None:
        """Returns when nothing is pending for a session.

        Raises:
            Exception: A deferred write of the running turn has failed.
        """
        queue = self._queues.get(session_id)
        if queue is not None:
            queue.waiting += 1
            queue.hurry.set()
            try:
                await asyncio.wait([queue.task])
            finally:
                queue.waiting -= 1
        self._raise_error(session_id, _turn.get())

    async def end_turn(self, session_id: SessionId) -> None:
        """Does the same, and reports an error: the turn is over."""
        try:
            await self.flush(session_id)
        except Exception as error:
            self._report(session_id, error)

    async def close(self) -> None:
        """Returns when nothing is pending for any session."""
        while self._queues:
            for queue in self._queues.values():
                queue.waiting += 1
                queue.hurry.set()
            await asyncio.wait([queue.task for queue in self._queues.values()])
        for session_id, (_, error) in self._errors.items():
            self._report(session_id, error)
        self._errors.clear()

    def _raise_error(self, session_id: SessionId, turn: object | None) -> None:
        of_turn, error = self._errors.pop(session_id, (None, None))
        if error is None:
            return
        if of_turn is turn:
            raise error
        self._report(session_id, error)

    def _queue(self, session_id: SessionId) -> _Queue:
        queue = self._queues.get(session_id)
        if queue is None:
            # In the context of the first write, so that the calls have the trace of its turn.
            task = copy_context().run(asyncio.create_task, self._work(session_id))
            queue = self._queues[session_id] = _Queue(task)
        return queue

    async def _work(self, session_id: SessionId) -> None:
        queue = self._queues[session_id]
        try:
            while queue.writes:
                if not queue.is_awaited:
                    queue.hurry.clear()
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(queue.hurry.wait(), _LINGER_SECONDS)
                if queue.writes:
                    await self._write_group(session_id, _next_group(queue.writes))
        finally:
            del self._queues[session_id]
            for write in queue.writes:
                write.done.cancel()

    async def _write_group(self, session_id: SessionId, group: Sequence[Write]) -> None:
        try:
            if any(write.is_awaited for write in group):
                self._raise_error(session_id, group[0].turn)
            written = await self._write(session_id, group)
        except Exception as error:
            self._fail(session_id, group, error)
        except BaseException:
            for write in group:
                write.done.cancel()
            raise
        else:
            for write, result in zip(group, written, strict=True):
                if not write.done.done():
                    write.done.set_result(result)

    def _fail(self, session_id: SessionId, group: Sequence[Write], error: Exception) -> None:
        awaited = [write for write in group if write.is_awaited]
        for write in awaited:
            if not write.done.done():
                write.done.set_exception(error)
        if not awaited:
            _, unheard = self._errors.pop(session_id, (None, None))
            if unheard is not None:
                self._report(session_id, unheard)
            self._errors[session_id] = (group[0].turn, error)


@dataclass(eq=False)
class _Queue:
    task: asyncio.Task[None]
    writes: deque[Write] = field(default_factory=deque)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what is in it."""
        return self.waiting > 0 or any(write.is_awaited for write in self.writes)


def _next_group(writes: deque[Write]) -> list[Write]:
    group = [writes.popleft()]
    while (
        writes
        and len(group) < _MAX_EVENTS
        and group[-1].event is not None
        and writes[0].fence == group[0].fence
        and writes[0].turn is group[0].turn
    ):
        group.append(writes.popleft())
    return group
