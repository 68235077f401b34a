"""Cached values of an agent: read when a server starts, written in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

import anyio

from parlant_supabase.connection import Connection
from parlant_supabase.rpc.functions import (
    EXPIRE_CACHE,
    LIST_CACHED,
    OPEN_CACHE,
    RECORD_CACHE_USE,
    SAVE_CACHED,
)
from parlant_supabase.rpc.replies import CachedReply

# A server starts without the cache rather than late.
_OPEN_SECONDS = 15.0
_LOOKUP_SECONDS = 3.0
_CLOSE_SECONDS = 5.0
# What is computed within this time is written together.
_WRITE_DELAY_SECONDS = 1.0
# Of one collection, in memory: 2,000 vectors of 3,072 numbers.
_MOST_LOADED_CHARACTERS = 32_000_000
# Of one call.
_MOST_SAVED_CHARACTERS = 4_000_000
_MOST_SAVED = 1000
_MOST_USED = 900
# Longer ago than that, time cannot be counted.
_MOST_DAYS = 365_000


class CachedValues:
    """Cached values of one kind, by their keys.

    Args:
        cache: The cache that they belong to.
        collection: The collection that keeps them.
    """

    def __init__(
        self, cache: AgentCache, collection: Literal["cached_evaluations", "cached_embeddings"]
    ) -> None:
        self.collection = collection
        self._cache = cache
        self._values: dict[str, str] = {}
        self._is_complete = False
        self._new: dict[str, str] = {}
        self._used: dict[str, None] = {}
        self._hits = 0
        self._misses = 0

    @property
    def is_working(self) -> bool:
        """Whether the cache can be used; if not, Parlant's own is."""
        return self._cache.is_working

    async def get(self, key: str) -> str | None:
        """The value of a key; None if there is none, or if the cache does not work."""
        value = self._values.get(key)
        if value is None and not self._is_complete and self.is_working:
            value = await self._cache.look_up(self.collection, key)
            if value is not None:
                self._values[key] = value
        if value is None:
            self._misses += 1
        else:
            self._hits += 1
            self._used[key] = None
        self._cache.write_soon()
        return value

    def put(self, key: str, value: str) -> None:
        """Keeps a value, here at once and in the database soon."""
        self._values[key] = value
        self._new[key] = value
        self._cache.write_soon()

    def load(self, page: CachedReply) -> bool:
        """Keeps a page that was read; returns whether there is room for the next one."""
        for key, value in page["values"].items():
            self._values.setdefault(key, value)
        self._is_complete = page["next"] is None
        return sum(map(len, self._values.values())) < _MOST_LOADED_CHARACTERS

    def take_new(self) -> Iterator[dict[str, str]]:
        """The values that have not been written, in portions for a call each."""
        while self._new:
            portion: dict[str, str] = {}
            characters = 0
            while self._new and len(portion) < _MOST_SAVED and characters < _MOST_SAVED_CHARACTERS:
                key = next(iter(self._new))
                portion[key] = self._new.pop(key)
                characters += len(portion[key])
            yield portion

    def take_use(self) -> Iterator[tuple[list[str], int, int]]:
        """Keys that were used, with the numbers of hits and misses, for a call each."""
        while self._used or self._hits or self._misses:
            keys = list(self._used)[:_MOST_USED]
            for key in keys:
                del self._used[key]
            hits, misses = self._hits, self._misses
            self._hits = self._misses = 0
            yield keys, hits, misses


class AgentCache:
    """The cache of an agent in its Supabase project.

    No method raises because of the database: the first error is logged, and from then on the cache
    does not work.

    Args:
        connection: Where the cache is.
        version: Parlant's version, which entries are for.
        keep_days: How long entries are kept that no server uses.
    """

    def __init__(self, connection: Connection, version: str, keep_days: float) -> None:
        self.evaluations = CachedValues(self, "cached_evaluations")
        self.embeddings = CachedValues(self, "cached_embeddings")
        self.is_working = True
        self._connection = connection
        self._version = version
        self._keep_days = keep_days
        self._to_write = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Reads what was used last, and begins to write what is new."""
        try:
            with anyio.fail_after(_OPEN_SECONDS):
                reply = await self._connection.call(OPEN_CACHE, p_version=self._version)
                await self._load(self.evaluations, reply["cached_evaluations"])
                await self._load(self.embeddings, reply["cached_embeddings"])
        except Exception as error:
            self._give_up("read", error)
            return
        self._writer = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Writes what has not been written."""
        if self._writer is None:
            return
        self._writer.cancel()
        await asyncio.wait([self._writer])
        with anyio.move_on_after(_CLOSE_SECONDS):
            await self.flush()

    async def look_up(self, collection: str, key: str) -> str | None:
        """The value of a key that was not read at the start."""
        try:
            with anyio.fail_after(_LOOKUP_SECONDS):
                page = await self._connection.call_collection(
                    LIST_CACHED, collection, p_version=self._version, p_ids=[key]
                )
        except Exception as error:
            self._give_up("read", error)
            return None
        return page["values"].get(key)

    def write_soon(self) -> None:
        """Has what is new written in a second, together with what comes until then."""
        self._to_write.set()

    async def flush(self) -> None:
        """Writes what is new now."""
        if not self.is_working:
            return
        try:
            for values in (self.evaluations, self.embeddings):
                for portion in values.take_new():
                    await self._connection.call_collection(
                        SAVE_CACHED,
                        values.collection,
                        p_version=self._version,
                        p_values=portion,
                    )
                for keys, hits, misses in values.take_use():
                    await self._connection.call_collection(
                        RECORD_CACHE_USE,
                        values.collection,
                        p_ids=keys,
                        p_hits=hits,
                        p_misses=misses,
                    )
        except Exception as error:
            self._give_up("written", error)

    async def _load(self, values: CachedValues, page: CachedReply) -> None:
        while values.load(page) and (after := page["next"]) is not None:
            page = await self._connection.call_collection(
                LIST_CACHED, values.collection, p_version=self._version, p_after=after
            )

    async def _write(self) -> None:
        await self._expire()
        while self.is_working:
            await self._to_write.wait()
            await asyncio.sleep(_WRITE_DELAY_SECONDS)
            self._to_write.clear()
            await self.flush()

    async def _expire(self) -> None:
        days = min(self._keep_days, _MOST_DAYS)
        unused_since = datetime.now(timezone.utc) - timedelta(days=days)
        done = False
        try:
            while not done:
                reply = await self._connection.call(
                    EXPIRE_CACHE, p_unused_since=unused_since.isoformat()
                )
                done = reply["done"]
        except Exception as error:
            self._give_up("pruned", error)

    def _give_up(self, what: str, error: Exception) -> None:
        if not self.is_working:
            return
        self.is_working = False
        self._connection.observer.logger.warning(
            f"warm_start: the cache (prefix {self._connection.prefix!r}) could not be {what}, and "
            f"is not used until the server starts again: {_text(error)} Parlant's own caches are "
            "used, so another server on an empty disk asks the language model again."
        )


def _text(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if text.endswith(".") else f"{text}."
