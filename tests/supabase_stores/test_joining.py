"""Stores that a server has joined use what the server has."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any
from unittest.mock import create_autospec, patch

import pytest
from lagom import Container
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.agents import AgentId, AgentStore
from parlant.core.app_modules.sessions import SessionModule
from parlant.core.context_variables import ContextVariableStore
from parlant.core.customers import CustomerId, CustomerStore
from parlant.core.emission.event_publisher import EventPublisherFactory
from parlant.core.emissions import EventEmitterFactory
from parlant.core.entity_cq import EntityQueries
from parlant.core.loggers import Logger, LogLevel, TracingLogger
from parlant.core.meter import Meter
from parlant.core.sessions import SessionDocumentStore, SessionListener, SessionStore
from parlant.core.tracer import LocalTracer, Tracer
from parlant_supabase import ConfigurationError
from parlant_supabase.parlant_internals import _NAMES_OF_PARTS
from parlant_supabase.server.entity_queries import SupabaseEntityQueries, SupabaseSessionModule
from parlant_supabase.server.event_emission import DeferringEmitterFactory
from parlant_supabase.server.turn_reading import TurnReader
from parlant_supabase.stores import SupabaseSessionListener, SupabaseStores, join_server
from supabase import AsyncClient

from tests.rpc.recording import RecordingMeter, RecordingTracer
from tests.supabase_stores.conftest import OpenStores

SERVERS_LOGGER = "the-servers-logger"


def server_with(stores: SupabaseStores, meter: Meter, tracer: Tracer) -> Container:
    """What a server's container has of what joining needs."""
    container = Container()
    container[SessionStore] = stores["session_store"]  # type: ignore[type-abstract]
    container[CustomerStore] = stores["customer_store"]  # type: ignore[type-abstract]
    container[ContextVariableStore] = stores["variable_store"]  # type: ignore[type-abstract]
    container[Logger] = TracingLogger(tracer, LogLevel.DEBUG, SERVERS_LOGGER)  # type: ignore[type-abstract]
    container[Tracer] = tracer  # type: ignore[type-abstract]
    container[Meter] = meter  # type: ignore[type-abstract]
    return container


async def call_every_store(stores: SupabaseStores) -> None:
    await stores["session_store"].create_session(CustomerId("c"), AgentId("a"))
    await stores["customer_store"].create_customer("Ann")
    await stores["variable_store"].create_variable("plan")


CALLED = ["parlant_insert_one", "parlant_create_customer", "parlant_create_variable"]


async def test_that_a_server_is_given_the_listener(stores: SupabaseStores) -> None:
    container = await join_server(server_with(stores, RecordingMeter(), RecordingTracer()))

    listener = container[SessionListener]  # type: ignore[type-abstract]
    assert isinstance(listener, SupabaseSessionListener)
    assert container[SessionListener] is listener  # type: ignore[type-abstract]


async def test_that_joining_needs_our_store() -> None:
    container = Container()
    container[SessionStore] = SessionDocumentStore(TransientDocumentDatabase())  # type: ignore[type-abstract]

    joined = await join_server(container)

    with pytest.raises(ConfigurationError, match="SessionDocumentStore"):
        joined[SessionListener]  # type: ignore[type-abstract]


async def test_that_every_store_uses_what_the_server_has(
    open_stores: OpenStores, caplog: pytest.LogCaptureFixture
) -> None:
    meter, tracer = RecordingMeter(), RecordingTracer()
    async with open_stores(logger=None, slow_call_seconds=1e-9) as stores:
        container = await join_server(server_with(stores, meter, tracer))
        container[SessionListener]  # type: ignore[type-abstract]
        caplog.clear()

        await call_every_store(stores)

    assert [each.attributes["function.name"] for each in meter.of("supabase.call")] == CALLED
    assert [attributes["function.name"] for _, _, attributes in tracer.events] == CALLED
    assert [record.name for record in caplog.records] == [SERVERS_LOGGER] * len(CALLED)


async def test_that_what_the_stores_were_given_stays(
    open_stores: OpenStores, caplog: pytest.LogCaptureFixture
) -> None:
    own, servers = RecordingMeter(), RecordingMeter()
    logger = TracingLogger(LocalTracer(), LogLevel.DEBUG, "own-logger")
    async with open_stores(logger=logger, meter=own, slow_call_seconds=1e-9) as stores:
        own.measurements.clear()
        container = await join_server(server_with(stores, servers, RecordingTracer()))
        container[SessionListener]  # type: ignore[type-abstract]
        caplog.clear()

        await call_every_store(stores)

    assert [each.attributes["function.name"] for each in own.of("supabase.call")] == CALLED
    assert servers.measurements == []
    assert {record.name for record in caplog.records} == {"own-logger"}


async def test_that_the_next_server_is_joined_too(open_stores: OpenStores) -> None:
    first, second = RecordingMeter(), RecordingMeter()
    async with open_stores() as stores:
        for meter in (first, second):
            container = await join_server(server_with(stores, meter, RecordingTracer()))
            container[SessionListener]  # type: ignore[type-abstract]

        await call_every_store(stores)

    assert first.measurements == []
    assert len(second.of("supabase.call")) == len(CALLED)


async def test_that_stores_that_nobody_joined_have_a_logger_of_their_own(
    client: AsyncClient, open_stores: OpenStores, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_stores(logger=None, slow_call_seconds=1e-9) as stores:
        caplog.clear()
        await stores["session_store"].list_sessions()

    [record] = caplog.records
    assert (record.name, record.levelno) == ("parlant_supabase", logging.WARNING)


@pytest.fixture
def container(stores: SupabaseStores) -> Iterator[Container]:
    """A server's, without what Parlant's own queries are made of; its logger notes warnings."""
    container = server_with(stores, RecordingMeter(), RecordingTracer())
    noting = Container(container)
    noting[Logger] = create_autospec(Logger, instance=True)  # type: ignore[type-abstract]
    with (
        patch.object(SupabaseEntityQueries, "__init__", lambda self: None),
        patch.object(SupabaseSessionModule, "__init__", lambda self: None),
    ):
        yield noting


def warnings_of(container: Container) -> list[str]:
    logger: Any = container[Logger]  # type: ignore[type-abstract]
    return [call.args[0] for call in logger.warning.call_args_list]


async def test_that_reads_are_shared(container: Container) -> None:
    await join_server(container)

    for interface, kind in (
        (EntityQueries, SupabaseEntityQueries),
        (SessionModule, SupabaseSessionModule),
    ):
        made: Any = container[interface]
        assert type(made) is kind
        assert isinstance(made.reader, TurnReader)
        assert container[interface] is made
    assert warnings_of(container) == []


async def test_that_reads_of_stores_of_two_clients_are_not_shared(
    container: Container, open_stores: OpenStores
) -> None:
    async with open_stores() as others:
        container[CustomerStore] = others["customer_store"]  # type: ignore[type-abstract]
        await join_server(container)

        queries: Any = container[EntityQueries]
        module: Any = container[SessionModule]

    assert (queries.reader, module.reader) == (None, None)
    assert warnings_of(container) == [
        "join_server: the three stores are not from one supabase_stores(). A turn makes a request "
        "for each of its reads. Pass share_reads=False to switch this warning off."
    ]


async def test_that_status_events_are_deferred(
    container: Container, stores: SupabaseStores
) -> None:
    container[AgentStore] = create_autospec(AgentStore, instance=True)  # type: ignore[type-abstract]
    await join_server(container)

    emitters: Any = container[EventEmitterFactory]  # type: ignore[type-abstract]
    assert type(emitters) is DeferringEmitterFactory
    assert isinstance(emitters._factory, EventPublisherFactory)
    module: Any = container[SessionModule]
    assert module.end_turn == stores["session_store"]._end_turn


async def test_that_events_of_a_store_of_parlants_are_emitted_as_in_parlant(
    container: Container,
) -> None:
    container[AgentStore] = create_autospec(AgentStore, instance=True)  # type: ignore[type-abstract]
    container[SessionStore] = SessionDocumentStore(TransientDocumentDatabase())  # type: ignore[type-abstract]
    await join_server(container)

    assert type(container[EventEmitterFactory]) is EventPublisherFactory  # type: ignore[type-abstract]
    module: Any = container[SessionModule]
    assert (module.reader, module.end_turn) == (None, None)


REPLACED = {EntityQueries, EventEmitterFactory, SessionModule}


@pytest.mark.parametrize(
    ("parts", "replaced"),
    [
        ({"share_reads": False}, {EventEmitterFactory, SessionModule}),
        ({"defer_status_events": False}, {EntityQueries, SessionModule}),
        ({"share_reads": False, "defer_status_events": False}, set()),
    ],
)
async def test_that_a_part_is_left_out_unless_wanted(
    container: Container, parts: dict[str, bool], replaced: set[type]
) -> None:
    await join_server(container, **parts)

    assert REPLACED & set(container.defined_types) == replaced
    if SessionModule in replaced:
        module: Any = container[SessionModule]
        assert (module.reader is None) is ("share_reads" in parts)
        assert (module.end_turn is None) is ("defer_status_events" in parts)


@pytest.mark.parametrize(
    ("part", "name", "what_is_lost"),
    [
        (part, name, what_is_lost)
        for part, what_is_lost in (
            ("share_reads", "A turn makes a request for each of its reads."),
            ("defer_status_events", "A turn waits for each of its status events."),
        )
        for name in _NAMES_OF_PARTS[part]
    ],
)
async def test_that_a_part_is_left_out_where_parlant_lacks_a_name(
    container: Container, monkeypatch: pytest.MonkeyPatch, part: str, name: str, what_is_lost: str
) -> None:
    monkeypatch.delattr(name.replace(":", "."))

    await join_server(container)

    gone = EntityQueries if part == "share_reads" else EventEmitterFactory
    assert REPLACED - set(container.defined_types) == {gone}
    assert warnings_of(container) == [
        f"join_server: the installed Parlant {version('parlant')} lacks {name.partition(':')[2]}. "
        f"{what_is_lost} Pass {part}=False to switch this warning off."
    ]
