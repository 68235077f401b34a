"""The floor: requests through the same client and gateway to functions that do nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from benchmarks.stack import Place

EMPTY_RPC = "empty rpc"
EMPTY_COMMIT = "empty rpc that commits"

# As many connections as parlant_supabase keeps.
_CONNECTIONS = 8


@asynccontextmanager
async def open_client(place: Place) -> AsyncIterator[AsyncClient]:
    """A Supabase client with the settings of parlant_supabase."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    async with httpx.AsyncClient(http2=False, limits=limits, timeout=60) as http:
        yield await acreate_client(
            place.url,
            place.key,
            AsyncClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False),
        )


def empty_rpc(client: AsyncClient) -> Callable[[], Awaitable[object]]:
    """Calls a function that returns an empty object."""
    return lambda: client.rpc("parlant_bench_noop", {}).execute()


def empty_commit(client: AsyncClient) -> Callable[[], Awaitable[object]]:
    """Calls a function that writes one number and returns an empty object."""
    return lambda: client.rpc("parlant_bench_commit", {}).execute()
