"""A cache on a database that answers what a test has told it to."""

from __future__ import annotations

from typing import Any

from parlant_supabase.connection import Connection
from parlant_supabase.database import connection_of
from parlant_supabase.server.agent_cache.cache import AgentCache

from tests.unit.stores.fake_rpc import FakeRpc, fake_database

EMPTY: dict[str, Any] = {"values": {}, "next": None}


def rpc_of_an_empty_cache() -> FakeRpc:
    """A database with a cache without entries, which takes what it is given."""
    rpc = FakeRpc()
    rpc.answer("open_cache", {"cached_evaluations": EMPTY, "cached_embeddings": EMPTY})
    rpc.answer("list_cached", EMPTY)
    rpc.answer("save_cached", {"saved": 1})
    rpc.answer("record_cache_use", {"touched": 1})
    rpc.answer("expire_cache", {"erased": {}, "done": True})
    return rpc


def connection_to(rpc: FakeRpc) -> Connection:
    """A connection whose calls go to a FakeRpc."""
    return connection_of(fake_database(rpc))


async def open_cache(rpc: FakeRpc) -> AgentCache:
    """A cache that has read what is there."""
    cache = AgentCache(connection_to(rpc), "3.3.2", 90)
    await cache.open()
    return cache
