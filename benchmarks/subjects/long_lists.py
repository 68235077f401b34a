"""How filters with thousands of ids compare with `= any` and `<> all` written by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from benchmarks.contenders.direct_sql import DirectSql, open_direct_sql
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting
from benchmarks.subjects.growth import call_directly

_FIND = "parlant_find"
_BY_HAND = "by hand"

_FILTERS: dict[str, Callable[[Sequence[str]], dict[str, Any]]] = {
    "$or of $eq": lambda ids: {"$or": [{"id": {"$eq": id_}} for id_ in ids]},
    "$in": lambda ids: {"id": {"$in": ids}},
    "$and of $ne": lambda ids: {"$and": [{"id": {"$ne": id_}} for id_ in ids]},
    "$nin": lambda ids: {"id": {"$nin": ids}},
}
_CONDITIONS = {
    "$or of $eq": "= any",
    "$in": "= any",
    "$and of $ne": "<> all",
    "$nin": "<> all",
}


async def measure_long_lists(setting: Setting) -> Subject:
    """Measures finding documents by ids on a direct connection."""
    count = setting.scale.ids
    dataset = setting.dataset("lists_", 0)
    dataset.fill_documents(2 * count)
    arguments = {"p_prefix": dataset.prefix, "p_collection": "documents"}
    table = f"public.{dataset.table('documents')}"
    lists = {
        "all of them there": [f"d{number}" for number in range(count)],
        "none of them there": [f"n{number}" for number in range(count)],
    }

    async with open_direct_sql(dataset.place) as sql:

        def find(operator: str, ids: Sequence[str]) -> Callable[[], Awaitable[object]]:
            filters = _FILTERS[operator](ids)
            return lambda: call_directly(sql, "find", {**arguments, "p_filters": filters})

        cases = [
            Case(f"{operator}, {count:,} ids, {which}", contender, call)
            for which, ids in lists.items()
            for operator, condition in _CONDITIONS.items()
            for contender, call in (
                (_FIND, find(operator, ids)),
                (_BY_HAND, _by_hand(sql, table, condition, ids)),
            )
        ]
        series = await measure(cases, setting.scale.rounds)

    measurements, bars = [], []
    for found, by_hand in zip(series[::2], series[1::2], strict=True):
        for one in (found, by_hand):
            measurements.append(
                Measurement(
                    one.case.operation,
                    one.case.contender,
                    "ms",
                    one.seconds().scaled(1_000),
                    one.ratio(by_hand),
                )
            )
        bars.append(Bar(f"{found.case.operation} / by hand", found.ratio(by_hand), most=3))
    return Subject("long_lists", "Filters with long lists", _BY_HAND, measurements, bars)


def _by_hand(
    sql: DirectSql, table: str, condition: str, ids: Sequence[str]
) -> Callable[[], Awaitable[object]]:
    statement = f"""
        select jsonb_build_object('items', coalesce(jsonb_agg(found.data), '[]'))
        from (
          select d.data from {table} as d where d.id {condition} ($1::text[])
          order by d.creation_utc, d.id
        ) as found
    """  # noqa: S608
    return lambda: sql.document(statement, list(ids))
