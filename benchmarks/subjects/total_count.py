"""What counting the rest of a listing adds to reading one page of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.contenders.direct_sql import DirectSql, open_direct_sql
from benchmarks.dataset import Dataset
from benchmarks.results import Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting
from benchmarks.subjects.growth import PAGE_SIZE, call_directly

_PAGE = "find: page with its count"
_ROWS = "the page alone, by hand"
_COUNT = "the count alone, by hand"


async def measure_total_count(setting: Setting) -> Subject:
    """Measures the first page of a listing of all events, and its two halves by hand."""
    growing = await setting.growing()
    async with open_direct_sql(growing[0].place) as sql:
        cases = [
            Case(f"{dataset.events:,} events", what, call, calls=2)
            for dataset in growing
            for what, call in _calls(sql, dataset).items()
        ]
        series = await measure(cases, max(1, setting.scale.rounds // 2))
    return Subject(
        "total_count",
        f"First page of {PAGE_SIZE}, on a direct connection",
        _ROWS,
        [
            Measurement(
                one.case.operation,
                one.case.contender,
                "ms",
                one.seconds().scaled(1_000),
                one.ratio(series[number // 3 * 3 + 1]),
            )
            for number, one in enumerate(series)
        ],
    )


def _calls(sql: DirectSql, dataset: Dataset) -> dict[str, Callable[[], Awaitable[object]]]:
    table = f"public.{dataset.table('events')}"
    arguments = {
        "p_prefix": f"{dataset.prefix}sessions_",
        "p_collection": "events",
        "p_filters": {},
        "p_limit": PAGE_SIZE,
    }
    return {
        _PAGE: lambda: call_directly(sql, "find", arguments),
        _ROWS: lambda: sql.documents(
            f"select data from {table} order by creation_utc, id limit {PAGE_SIZE + 1}"  # noqa: S608
        ),
        _COUNT: lambda: sql.document(f"select to_jsonb(count(*)) from {table}"),  # noqa: S608
    }
