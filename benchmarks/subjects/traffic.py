"""How many requests an operation of Parlant's stores is, and how many bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from parlant.core.agents import AgentId
from parlant.core.customers import CustomerId
from parlant.core.sessions import SessionId
from parlant.core.tags import TagId

from benchmarks.contenders.contender import Stores
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.dataset import EVENTS_PER_SESSION, Dataset
from benchmarks.network import Network, Traffic
from benchmarks.operations import store_operations
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import summarize
from benchmarks.setting import Setting

_SESSIONS = 20
_ONE_REQUEST = ("create_event", "list_events", "list_customers", "delete_session")


async def measure_traffic(setting: Setting) -> Subject:
    """Counts what one call of each operation sends and receives."""
    dataset = setting.dataset("traffic_", _SESSIONS * EVENTS_PER_SESSION, setting.scale.customers)
    await dataset.fill()
    dataset.copy_to_table_api()

    counted: dict[tuple[str, str], Traffic] = {}
    async with (
        Network(setting.environment.stack.url, setting.environment.directory) as network,
        AsyncExitStack() as stack,
    ):
        place = setting.environment.place(dataset.prefix, network.url)
        for number, contender in enumerate((TABLE_API, DOCUMENT_DATABASE, ONE_REQUEST_STORES)):
            stores = await stack.enter_async_context(contender.open_stores(place))
            for operation, call in _operations(stores, dataset, number).items():
                await network.traffic()
                await call()
                counted[operation, contender.name] = await network.traffic()

    return Subject(
        "traffic",
        "Requests and bytes of one operation",
        ONE_REQUEST_STORES.name,
        [
            measurement
            for operation, contender in counted
            for measurement in _measurements(operation, contender, counted)
        ],
        [
            Bar(
                f"requests of {operation}, {ONE_REQUEST_STORES.name}",
                summarize([counted[operation, ONE_REQUEST_STORES.name].requests]),
                most=1,
                unit="",
            )
            for operation in _ONE_REQUEST
        ],
        [
            f"{dataset.customers:,} customers with two tags each, {EVENTS_PER_SESSION} events in "
            "each session. Bytes are those on the connection, heads included, before compression "
            "or encryption.",
        ],
    )


def _operations(
    stores: Stores, dataset: Dataset, number: int
) -> dict[str, Callable[[], Awaitable[object]]]:
    calls = store_operations(stores, dataset.sessions, dataset.customers)
    customer, tag = CustomerId(dataset.customer_id(number)), TagId(f"new{number}")
    # Of the upper half, as only those of the lower half are read above.
    session = SessionId(dataset.session_id(dataset.sessions - 1 - number))
    return {
        **{name: operation.call for name, operation in calls.items()},
        "create_session": lambda: stores.sessions.create_session(customer, AgentId("a0")),
        "list_sessions": lambda: stores.sessions.list_sessions(customer_id=customer),
        "upsert_tag": lambda: stores.customers.upsert_tag(customer, tag),
        "list_customers": stores.customers.list_customers,
        "list_variables": stores.variables.list_variables,
        "delete_session": lambda: stores.sessions.delete_session(session),
    }


def _measurements(
    operation: str, contender: str, counted: Mapping[tuple[str, str], Traffic]
) -> list[Measurement]:
    mine, ours = counted[operation, contender], counted[operation, ONE_REQUEST_STORES.name]
    return [
        Measurement(
            f"{operation}{what}", contender, unit, summarize([count]), summarize([count / of_ours])
        )
        for what, unit, count, of_ours in (
            ("", "requests", mine.requests, ours.requests),
            (", sent", "bytes", mine.sent, ours.sent),
            (", received", "bytes", mine.received, ours.received),
        )
    ]
