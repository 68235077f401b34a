"""The three stores on the test's own prefix, and the requests that they make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from parlant.core.loggers import TracingLogger
from parlant_supabase.local import LocalStack
from parlant_supabase.stores import SupabaseStores, supabase_stores
from supabase import AsyncClient, AsyncClientOptions, acreate_client

OpenStores = Callable[..., AbstractAsyncContextManager[SupabaseStores]]


@dataclass
class RequestLog:
    """The functions that were called over HTTP, one entry for each request."""

    functions: list[str] = field(default_factory=list)

    async def note(self, request: httpx.Request) -> None:
        self.functions.append(request.url.path.rpartition("/")[2])


@pytest.fixture
def requests() -> RequestLog:
    """What the client of the test has sent."""
    return RequestLog()


@pytest.fixture
async def client(stack: LocalStack, requests: RequestLog) -> AsyncIterator[AsyncClient]:
    """A client whose requests are noted."""
    async with httpx.AsyncClient(
        http2=False, timeout=60, event_hooks={"request": [requests.note]}
    ) as http:
        yield await acreate_client(
            stack.url, stack.service_role_key, AsyncClientOptions(httpx_client=http)
        )


@pytest.fixture
def open_stores(client: AsyncClient, prefix: str, logger: TracingLogger) -> OpenStores:
    """Opens the three stores under the test's own prefix; keyword arguments override."""

    def open_stores(**arguments: Any) -> AbstractAsyncContextManager[SupabaseStores]:
        return supabase_stores(
            **{
                "client": client,
                "logger": logger,
                "session_prefix": f"{prefix}s_",
                "customer_prefix": f"{prefix}c_",
                "variable_prefix": f"{prefix}v_",
                **arguments,
            }
        )

    return open_stores


@pytest.fixture
async def stores(open_stores: OpenStores) -> AsyncIterator[SupabaseStores]:
    """The three stores, open and empty."""
    async with open_stores() as stores:
        yield stores
