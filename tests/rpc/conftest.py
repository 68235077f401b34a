"""A client whose requests can be counted, and a watched database behind a fault proxy."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import httpx
import psycopg
import pytest
from parlant.core.loggers import TracingLogger
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc.client import RpcClient
from supabase import AsyncClientOptions, acreate_client

from tests.adapter.notes import Notes
from tests.faults.conftest import open_notes
from tests.faults.fault_proxy import FaultProxy
from tests.rpc.recording import RecordingMeter, RecordingTracer

Connect: TypeAlias = Callable[..., SupabaseDocumentDatabase]


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
async def rpc(stack: LocalStack, requests: Requests) -> AsyncIterator[RpcClient]:
    async with httpx.AsyncClient(event_hooks={"request": [requests.count]}) as http:
        client = await acreate_client(
            stack.url,
            stack.service_role_key,
            AsyncClientOptions(httpx_client=http, auto_refresh_token=False),
        )
        async with RpcClient(None, client) as rpc:
            yield rpc


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


@pytest.fixture
async def proxy(stack: LocalStack) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the shared stack's gateway."""
    async with FaultProxy(stack.url) as proxy:
        yield proxy


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def tracer() -> RecordingTracer:
    return RecordingTracer()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the tests' logger says, at every level."""
    caplog.set_level(logging.DEBUG, logger="parlant-supabase-tests")
    return caplog


@pytest.fixture
def connect(
    stack: LocalStack,
    proxy: FaultProxy,
    prefix: str,
    logger: TracingLogger,
    tracer: RecordingTracer,
    meter: RecordingMeter,
) -> Connect:
    """Makes a database, not entered yet; keyword arguments override."""

    def connect(**arguments: Any) -> SupabaseDocumentDatabase:
        return SupabaseDocumentDatabase(
            **{
                "logger": logger,
                "connection_params": {"url": proxy.url, "key": stack.service_role_key},
                "table_prefix": prefix,
                "tracer": tracer,
                "meter": meter,
                "slow_call_seconds": 60.0,
                **arguments,
            }
        )

    return connect


@pytest.fixture
async def notes(
    connect: Connect, meter: RecordingMeter, tracer: RecordingTracer
) -> AsyncIterator[Notes]:
    """An empty collection; what its opening came to is forgotten."""
    async with connect() as database:
        notes = await open_notes(database)
        meter.measurements.clear()
        tracer.events.clear()
        yield notes
