"""A database that reaches the stack through a proxy, and is watched."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import pytest
from parlant.core.loggers import TracingLogger
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack

from tests.adapter.notes import Notes
from tests.faults.conftest import open_notes
from tests.faults.fault_proxy import FaultProxy
from tests.observing.recording import RecordingMeter, RecordingTracer

Connect: TypeAlias = Callable[..., SupabaseDocumentDatabase]


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
