"""How long one call takes where each request has a network to cross, as to a hosted project."""

from __future__ import annotations

from contextlib import AsyncExitStack

from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.empty_rpc import EMPTY_RPC, empty_rpc, open_client
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.network import Network
from benchmarks.operations import Operation, document_operations
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, Series, measure
from benchmarks.setting import Setting

_NOTHING = "nothing"
_OPERATIONS = ("find_one", "insert_one", "update_one", "delete_one")


async def measure_distant_operations(setting: Setting) -> Subject:
    """Measures the calls of a DocumentCollection, one at a time, with each delay but none."""
    scale = setting.scale
    delays = [delay for delay in scale.delays if delay] or [1]
    dataset = setting.dataset("distant_", 0)
    dataset.fill_documents(scale.documents)
    dataset.copy_documents_to_table_api()

    series: dict[tuple[int, str, str], Series] = {}
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(
            Network(setting.environment.stack.url, setting.environment.directory)
        )
        place = setting.environment.place(dataset.prefix, network.url)
        client = await stack.enter_async_context(open_client(place))
        operations = {EMPTY_RPC: {_NOTHING: Operation(empty_rpc(client))}}
        for contender in (TABLE_API, DOCUMENT_DATABASE):
            assert contender.open_documents is not None
            documents = await stack.enter_async_context(contender.open_documents(place))
            operations[contender.name] = document_operations(documents, scale.documents)
        for delay in delays:
            await network.set_delay(delay)
            cases = [
                Case(name, contender, operation.call, scale.calls, prepare=operation.prepare)
                for contender, named in operations.items()
                for name, operation in named.items()
            ]
            for one in await measure(cases, max(1, scale.rounds // 4)):
                series[delay, one.case.operation, one.case.contender] = one

    return Subject(
        "distant_operations",
        "One call over a network",
        EMPTY_RPC,
        [
            Measurement(
                f"{operation}, {delay} ms of network delay",
                contender,
                "ms",
                one.seconds().scaled(1_000),
                one.ratio(series[delay, _NOTHING, EMPTY_RPC]),
            )
            for (delay, operation, contender), one in series.items()
        ],
        [bar for delay in delays for bar in _bars(series, delay)],
        ["A request to a hosted project takes 10 to 50 ms."],
    )


def _bars(series: dict[tuple[int, str, str], Series], delay: int) -> list[Bar]:
    def ours(operation: str) -> Series:
        return series[delay, operation, DOCUMENT_DATABASE.name]

    where = f", {delay} ms of network delay"
    return [
        *(
            Bar(
                f"{operation} ({DOCUMENT_DATABASE.name}) / {EMPTY_RPC}{where}",
                ours(operation).ratio(series[delay, _NOTHING, EMPTY_RPC]),
                most=1.15,
            )
            for operation in _OPERATIONS
        ),
        *(
            Bar(
                f"{operation} / the table API's read-then-write{where}",
                ours(operation).ratio(series[delay, operation, TABLE_API.name]),
                most=0.55,
            )
            for operation in ("update_one", "delete_one")
        ),
    ]
