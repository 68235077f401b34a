"""How many calls a second are answered when very many are made at once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.contenders import direct_sql
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.empty_rpc import EMPTY_RPC, empty_rpc, open_client
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.table_api import TABLE_API, THREADS
from benchmarks.operations import Operation, document_operations
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, Series, measure
from benchmarks.scale import Scale
from benchmarks.setting import Setting

_OPERATIONS = ("find_one", "insert_one", "update_one", "delete_one")
_NOTHING = "nothing"

# Parlant's file is written as a whole with every change, one change after another.
_FILE_OPERATIONS = ("find_one",)


async def measure_burst(setting: Setting) -> Subject:
    """Measures calls of a DocumentCollection."""
    scale = setting.scale
    dataset = setting.dataset("burst_", 0)
    dataset.fill_documents(scale.documents)
    dataset.copy_documents_to_table_api()
    dataset.copy_documents_to_file()

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(dataset.place))
        sql = await stack.enter_async_context(direct_sql.open_direct_sql(dataset.place))
        operations: dict[str, Mapping[str, Operation]] = {
            EMPTY_RPC: {_NOTHING: Operation(empty_rpc(client))},
            direct_sql.DIRECT_SQL: direct_sql.document_operations(
                sql, f"public.{dataset.table('documents')}", scale.documents
            ),
        }
        for contender in (JSON_FILE, TABLE_API, DOCUMENT_DATABASE):
            assert contender.open_documents is not None
            documents = await stack.enter_async_context(contender.open_documents(dataset.place))
            operations[contender.name] = document_operations(documents, scale.documents)
        # Short as they are, rounds differ by how the batches happen to meet the processor's cores.
        series = await measure(_cases(operations, scale), 2 * scale.slow_rounds)

    by_name = {(one.case.operation, one.case.contender): one for one in series}
    return Subject(
        "burst",
        f"{scale.burst:,} calls at once",
        TABLE_API.name,
        [_measurement(one, by_name) for one in series],
        [
            Bar(
                f"{scale.burst:,} × {operation} at once / the same through the table API in "
                f"{THREADS} threads, calls per second",
                by_name[operation, DOCUMENT_DATABASE.name].rate_ratio(
                    by_name[operation, TABLE_API.name]
                ),
                least=10,
            )
            for operation in _OPERATIONS
        ],
        [f"The table API has {THREADS} threads and as many connections, the others have eight."],
    )


def _cases(operations: Mapping[str, Mapping[str, Operation]], scale: Scale) -> list[Case]:
    return [
        Case(name, contender, operation.call, scale.burst, scale.burst, operation.prepare)
        for contender, named in operations.items()
        for name, operation in named.items()
        if contender != JSON_FILE.name or name in _FILE_OPERATIONS
    ]


def _measurement(one: Series, all_: Mapping[tuple[str, str], Series]) -> Measurement:
    yardstick = all_.get((one.case.operation, TABLE_API.name))
    return Measurement(
        one.case.operation,
        one.case.contender,
        "calls/s",
        one.rate(),
        one.rate_ratio(yardstick) if yardstick else None,
    )
