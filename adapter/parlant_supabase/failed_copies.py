"""Copies documents that a store cannot read to the failed documents, behind the reads."""

from __future__ import annotations

import asyncio
from typing import Protocol

from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.rpc.functions import COPY_UNREADABLE_DOCUMENTS, Function, Reply
from parlant_supabase.rpc.telemetry import Observer

# As many as the database takes in a call.
_MOST_AT_ONCE = 500


class CallCollection(Protocol):
    """Calls a function of the database for a collection."""

    async def __call__(
        self, function: Function[Reply], collection: str, **arguments: object
    ) -> Reply:
        """The function's reply."""
        ...


class FailedCopies:
    """The copies of one store's unreadable documents that are still to be made.

    A read does not wait for them, and a copy that cannot be made fails no read.

    Args:
        call: Calls a function of the database for a collection.
        observer: Has the logger.
    """

    def __init__(self, call: CallCollection, observer: Observer) -> None:
        self._call = call
        self._observer = observer
        self._waiting: dict[str, list[dict[str, str]]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, collection: str, id: str, reason: str) -> None:
        """Has a document copied soon; called in an event loop."""
        self._waiting.setdefault(collection, []).append({"id": id, "reason": reason})
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._copy())

    async def finish(self) -> None:
        """Waits until all copies are made."""
        if self._task is not None:
            await self._task

    async def _copy(self) -> None:
        while self._waiting:
            collection, documents = self._waiting.popitem()
            for start in range(0, len(documents), _MOST_AT_ONCE):
                batch = documents[start : start + _MOST_AT_ONCE]
                try:
                    await self._call(COPY_UNREADABLE_DOCUMENTS, collection, p_documents=batch)
                except SupabaseAdapterError as error:
                    self._observer.logger.warning(
                        f"{len(batch)} documents of collection {collection!r} that cannot be read "
                        f"were not copied to the failed documents: {error}"
                    )
