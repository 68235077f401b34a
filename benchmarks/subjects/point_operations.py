"""How long one call takes, one at a time and 32 at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.contenders import direct_sql
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.empty_rpc import (
    EMPTY_COMMIT,
    EMPTY_RPC,
    empty_commit,
    empty_rpc,
    open_client,
)
from benchmarks.contenders.hand_written_rpc import HAND_WRITTEN_RPC, create_functions
from benchmarks.contenders.hand_written_rpc import document_operations as hand_written_operations
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.dataset import EVENTS_PER_SESSION, Dataset
from benchmarks.operations import (
    WRITES,
    Operation,
    document_operations,
    store_operations,
)
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, Series, measure
from benchmarks.scale import Scale
from benchmarks.setting import Setting

AT_ONCE = 32

# Parlant's file is written as a whole with every change, one change after another.
_FILE_CALLS = 32

_NOTHING = "nothing"


async def measure_point_operations(setting: Setting) -> Subject:
    """Measures the calls of a DocumentCollection, and those of the stores that make up a turn."""
    scale = setting.scale
    customers = scale.documents // EVENTS_PER_SESSION
    dataset = setting.dataset("point_", scale.documents, customers)
    await dataset.fill()
    dataset.fill_documents(scale.documents)
    dataset.copy_to_table_api()
    dataset.copy_documents_to_table_api()
    dataset.copy_to_files()
    dataset.copy_documents_to_file()
    create_functions(setting.connection, dataset.table("documents"))
    setting.environment.stack.reload_schema()

    async with AsyncExitStack() as stack:
        contenders: dict[str, dict[str, Operation]] = {}
        client = await stack.enter_async_context(open_client(dataset.place))
        contenders[EMPTY_RPC] = {_NOTHING: Operation(empty_rpc(client))}
        contenders[EMPTY_COMMIT] = {_NOTHING: Operation(empty_commit(client))}
        sql = await stack.enter_async_context(direct_sql.open_direct_sql(dataset.place))
        contenders[direct_sql.DIRECT_SQL] = direct_sql.document_operations(
            sql, f"public.{dataset.table('documents')}", scale.documents
        )
        contenders[HAND_WRITTEN_RPC] = hand_written_operations(client, scale.documents)
        for contender in (JSON_FILE, TABLE_API, DOCUMENT_DATABASE, ONE_REQUEST_STORES):
            contenders[contender.name] = await _operations(stack, contender, dataset, scale)

        alone = await measure(_cases(contenders, 1, scale.calls), scale.rounds)
        together = await measure(_cases(contenders, AT_ONCE, scale.many_calls), scale.slow_rounds)

    measurements = [
        *_measurements(alone, "one at a time"),
        *_measurements(together, f"{AT_ONCE} at a time"),
    ]
    return Subject(
        "point_operations",
        "One call",
        EMPTY_RPC,
        measurements,
        _bars({(one.case.operation, one.case.contender): one for one in alone}),
        [
            f"{scale.documents:,} documents. What is measured at {AT_ONCE} calls at a time is how "
            "long each of them takes.",
            "An empty rpc is a request through the same client and gateway to a function that does "
            "nothing; one that commits inserts a number, so that it waits for the disk as every "
            "write does. A hand-written rpc is a function for that one query on that one table: "
            "the limit of any adapter that calls functions.",
        ],
    )


async def _operations(
    stack: AsyncExitStack, contender: Contender, dataset: Dataset, scale: Scale
) -> dict[str, Operation]:
    operations: dict[str, Operation] = {}
    if contender.open_documents is not None:
        documents = await stack.enter_async_context(contender.open_documents(dataset.place))
        operations |= document_operations(documents, scale.documents)
    stores = await stack.enter_async_context(contender.open_stores(dataset.place))
    return operations | store_operations(
        stores, scale.documents // EVENTS_PER_SESSION, dataset.customers
    )


def _cases(
    contenders: Mapping[str, Mapping[str, Operation]], at_once: int, calls: int
) -> list[Case]:
    return [
        Case(
            name,
            contender,
            operation.call,
            min(calls, _FILE_CALLS) if contender == JSON_FILE.name else calls,
            at_once,
            operation.prepare,
        )
        for contender, operations in contenders.items()
        for name, operation in operations.items()
    ]


def _measurements(series: list[Series], how: str) -> list[Measurement]:
    floor = next(one for one in series if one.case.contender == EMPTY_RPC)
    return [
        Measurement(
            f"{one.case.operation}, {how}",
            one.case.contender,
            "ms",
            one.seconds().scaled(1_000),
            one.ratio(floor),
        )
        for one in series
    ]


def _bars(series: dict[tuple[str, str], Series]) -> list[Bar]:
    bars = []
    for (operation, contender), one in series.items():
        if contender == DOCUMENT_DATABASE.name and operation.endswith("_one"):
            pass
        elif contender != ONE_REQUEST_STORES.name:
            continue
        bars.append(
            Bar(
                f"{operation} ({contender}) / {EMPTY_RPC}",
                one.ratio(series[_NOTHING, EMPTY_RPC]),
                most=1.15,
            )
        )
        if operation in WRITES:
            bars.append(
                Bar(
                    f"{operation} ({contender}) / {EMPTY_COMMIT}",
                    one.ratio(series[_NOTHING, EMPTY_COMMIT]),
                    most=1.15,
                )
            )
    for operation in ("update_one", "delete_one"):
        bars.append(
            Bar(
                f"{operation} / the table API's read-then-write",
                series[operation, DOCUMENT_DATABASE.name].ratio(series[operation, TABLE_API.name]),
                most=0.55,
            )
        )
    return bars
