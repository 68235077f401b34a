"""Writes streamed messages at intervals, however many chunks they come in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any, cast

from parlant.core.common import JSONSerializable
from parlant.core.sessions import Event, EventId, SessionId

# How far the database may be behind the chunks of a message that has not ended.
_SECONDS_BETWEEN_WRITES = 0.1


def is_unfinished(data: object) -> bool:
    """Whether it is the data of a streamed message that has not ended."""
    chunks = data.get("chunks") if isinstance(data, Mapping) else None
    return isinstance(chunks, list) and (not chunks or chunks[-1] is not None)


class StreamedMessages:
    """The messages that this process streams, as far as they have got.

    Chunks that follow each other within an interval are one write. One write of a message is under
    way at a time, so the last one is the newest; the end of a message is waited for. An error of a
    write is raised at the next chunk, which is not taken then.

    Args:
        write: Writes the data of a message.
    """

    def __init__(
        self, write: Callable[[SessionId, EventId, JSONSerializable], Awaitable[None]]
    ) -> None:
        self._write = write
        self._streams: dict[EventId, _Stream] = {}

    def begin(self, session_id: SessionId, event: Event) -> None:
        """Takes over a message that is in the database with its first chunks."""
        self._streams[event.id] = _Stream(session_id, event)

    def latest(self, session_id: SessionId, event_id: EventId) -> Event | None:
        """A message as far as it has got; None if this process does not stream it."""
        stream = self._streams.get(event_id)
        return stream.event if stream is not None and stream.session_id == session_id else None

    def with_latest(self, events: Sequence[Event]) -> list[Event]:
        """Events of which those that this process streams are as far as they have got."""
        return [
            replace(event, data=self._streams[event.id].event.data)
            if event.id in self._streams
            else event
            for event in events
        ]

    async def add(self, event_id: EventId, data: JSONSerializable) -> Event:
        """Takes what a message has become, which has not ended.

        Raises:
            Exception: The write before it has failed.
        """
        stream = self._streams[event_id]
        stream.raise_error()
        # Whoever streams it adds to the same list.
        taken = {**cast("dict[str, Any]", data)}
        taken["chunks"] = [*taken["chunks"]]
        stream.event = replace(stream.event, data=taken)
        stream.has_news = True
        if stream.task is None:
            # In the context of the turn, so that the calls have its trace.
            stream.task = copy_context().run(asyncio.create_task, self._write_at_intervals(stream))
        return stream.event

    async def end(self, event_id: EventId, *, with_news: bool) -> None:
        """Stops writing a message, which its caller writes when this returns.

        Args:
            event_id: The message.
            with_news: Whether what is new is written first, because the caller does not write it.

        Raises:
            Exception: The last write has failed.
        """
        stream = self._streams.pop(event_id, None)
        if stream is None:
            return
        stream.has_news = stream.has_news and with_news
        await stream.stop()
        stream.raise_error()

    async def interrupt(self, session_id: SessionId | None = None) -> None:
        """Writes how far messages have got that nobody is going to end; None means of all sessions.

        Raises:
            Exception: A write has failed.
        """
        for stream in list(self._streams.values()):
            if session_id in (None, stream.session_id):
                self._streams.pop(stream.event.id, None)
                await stream.stop()
                stream.raise_error()

    def forget(self, event_id: EventId) -> None:
        """Writes no more of a message."""
        stream = self._streams.pop(event_id, None)
        if stream is not None:
            stream.has_news = False

    async def _write_at_intervals(self, stream: _Stream) -> None:
        try:
            while stream.has_news:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stream.hurry.wait(), _SECONDS_BETWEEN_WRITES)
                if stream.has_news:
                    stream.has_news = False
                    await self._write(stream.session_id, stream.event.id, stream.event.data)
        except Exception as error:
            stream.error = error
        finally:
            stream.task = None


@dataclass(eq=False)
class _Stream:
    session_id: SessionId
    event: Event
    has_news: bool = False
    task: asyncio.Task[None] | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None

    async def stop(self) -> None:
        """Returns when nothing is being written; what is new is written first."""
        self.hurry.set()
        if self.task is not None:
            await asyncio.wait([self.task])

    def raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
