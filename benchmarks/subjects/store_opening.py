"""How long it takes to open the three stores, empty and full."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from parlant_supabase.stores import supabase_stores
from supabase import AsyncClient

from benchmarks.contenders.contender import Contender, logger
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.empty_rpc import open_client
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.dataset import Dataset
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting

_WITH_CLIENT = f"{ONE_REQUEST_STORES.name}, client given"


async def measure_store_opening(setting: Setting) -> Subject:
    """Measures from nothing to stores that are ready."""
    empty = setting.dataset("empty_", 0)
    await empty.fill()
    empty.copy_to_files()
    growing = await setting.growing()
    full = growing[-1]
    in_file = next(one for one in growing if one.events == setting.scale.file_documents)
    in_file.copy_to_files()

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(empty.place))
        cases = [
            *(_case_with_client(client, dataset) for dataset in (empty, full)),
            *(_case(ONE_REQUEST_STORES, dataset) for dataset in (empty, full)),
            *(_case(DOCUMENT_DATABASE, dataset) for dataset in (empty, full)),
            *(_case(JSON_FILE, dataset) for dataset in (empty, in_file)),
        ]
        series = await measure(cases, max(2, setting.scale.rounds // 2))

    bars, measurements = [], []
    for of_empty, of_full in zip(series[::2], series[1::2], strict=True):
        ratio = of_full.ratio(of_empty)
        for one in (of_empty, of_full):
            measurements.append(
                Measurement(
                    one.case.operation,
                    one.case.contender,
                    "ms",
                    one.seconds().scaled(1_000),
                    one.ratio(of_empty),
                )
            )
        if of_full.case.contender in (_WITH_CLIENT, ONE_REQUEST_STORES.name):
            bars.append(
                Bar(
                    f"{of_full.case.operation} / {of_empty.case.operation} "
                    f"({of_full.case.contender})",
                    ratio,
                    most=1.3,
                )
            )
    return Subject(
        "store_opening",
        "Opening the three stores",
        "the same contender's empty stores",
        measurements,
        bars,
        [
            "An HTTP client with its certificates is part of it, and the document database has one "
            "for each store; with a client that is there already the rest remains.",
        ],
    )


def _case(contender: Contender, dataset: Dataset) -> Case:
    return _opening(contender.name, dataset, lambda: contender.open_stores(dataset.place))


def _case_with_client(client: AsyncClient, dataset: Dataset) -> Case:
    return _opening(
        _WITH_CLIENT,
        dataset,
        lambda: supabase_stores(
            client=client,
            session_prefix=f"{dataset.prefix}sessions_",
            customer_prefix=f"{dataset.prefix}customers_",
            variable_prefix=f"{dataset.prefix}context_variables_",
            logger=logger(),
        ),
    )


def _opening(
    contender: str, dataset: Dataset, stores: Callable[[], AbstractAsyncContextManager[object]]
) -> Case:
    async def open_and_close() -> None:
        async with stores():
            pass

    return Case(f"open with {dataset.events:,} events", contender, open_and_close)
