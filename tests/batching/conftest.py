"""A transport whose requests can be counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc.transport import Transport
from supabase import AsyncClientOptions, acreate_client


class Requests:
    """How many requests of each function have been sent."""

    def __init__(self) -> None:
        self.functions: Counter[str] = Counter()
        self.batch_sent = asyncio.Event()

    async def count(self, request: httpx.Request) -> None:
        function = request.url.path.rpartition("/")[2]
        self.functions[function] += 1
        if function == "parlant_execute":
            self.batch_sent.set()


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
async def transport(stack: LocalStack, requests: Requests) -> AsyncIterator[Transport]:
    async with httpx.AsyncClient(event_hooks={"request": [requests.count]}) as http:
        client = await acreate_client(
            stack.url,
            stack.service_role_key,
            AsyncClientOptions(httpx_client=http, auto_refresh_token=False),
        )
        async with Transport(None, client) as transport:
            yield transport


@pytest.fixture
def table(sql: psycopg.Connection, prefix: str) -> str:
    """The table of an empty collection named `things`."""
    sql.execute("select parlant_create_collection(%s, 'things')", [prefix])
    return f"{prefix}things"


@pytest.fixture
def stack_statement_timeout(stack: LocalStack) -> Iterator[None]:
    """Ends statements of the service role after two seconds, while the test runs."""
    with psycopg.connect(stack.admin_url, autocommit=True) as admin:
        admin.execute("alter role service_role set statement_timeout = '2s'")
        admin.execute("notify pgrst, 'reload config'")
        yield
        admin.execute("alter role service_role reset statement_timeout")
        admin.execute("notify pgrst, 'reload config'")
