"""How the costs of calls grow with the number of documents."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

from parlant.core.common import generate_id

from benchmarks.contenders.direct_sql import DirectSql, open_direct_sql
from benchmarks.contenders.empty_rpc import open_client
from benchmarks.dataset import Dataset
from benchmarks.operations import MESSAGE, Operation
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting

OVER_HTTP = "over HTTP"
DIRECTLY = "on a direct connection"

PAGE_SIZE = 20
FIRST_PAGE = f"first page of {PAGE_SIZE}"
LATER_PAGE = f"later page of {PAGE_SIZE}"

Call = Callable[[str, dict[str, Any]], Awaitable[object]]
"""Calls an SQL function, given its name without `parlant_` and its arguments."""

_JSON = {"p_filters", "p_sort", "p_cursor", "p_document", "p_params", "p_event"}


async def measure_growth(setting: Setting) -> Subject:
    """Measures SQL functions on the events of ever larger stores."""
    growing, scale = await setting.growing(), setting.scale
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(growing[0].place))
        sql = await stack.enter_async_context(open_direct_sql(growing[0].place))

        async def over_http(function: str, arguments: dict[str, Any]) -> object:
            return (await client.rpc(f"parlant_{function}", arguments).execute()).data

        async def directly(function: str, arguments: dict[str, Any]) -> object:
            return await call_directly(sql, function, arguments)

        kinds = [
            [
                (
                    dataset,
                    Case(
                        operation,
                        where,
                        calls.call,
                        # They count, which takes its time.
                        max(1, scale.calls // 5) if "page" in operation else scale.calls,
                        prepare=calls.prepare,
                    ),
                )
                for dataset in growing
                for operation, calls in _operations(dataset, call, scale.page).items()
            ]
            for where, call in ((OVER_HTTP, over_http), (DIRECTLY, directly))
        ]
        cases = [entry for kind in kinds for entry in kind]
        series = await measure([case for _, case in cases], max(1, scale.rounds // 2))

    by_name = {
        (one.case.contender, one.case.operation, dataset.events): one
        for (dataset, _), one in zip(cases, series, strict=True)
    }
    smallest, largest = growing[0].events, growing[-1].events
    return Subject(
        "growth",
        "Calls on ever larger stores",
        f"the same at {smallest:,} events",
        [
            Measurement(
                f"{operation}, {events:,} events",
                where,
                "ms",
                one.seconds().scaled(1_000),
                one.ratio(by_name[where, operation, smallest]),
            )
            for (where, operation, events), one in by_name.items()
        ],
        [
            Bar(
                f"{operation} at {largest:,} / at {smallest:,} events, {where}",
                one.ratio(by_name[where, operation, smallest]),
                most=1.3,
            )
            for (where, operation, events), one in by_name.items()
            if events == largest
        ],
        [
            f"The later page is the {scale.page:,}th where there are so many, else the last but "
            "one. A page counts what is left after it, see total_count.",
        ],
    )


async def call_directly(sql: DirectSql, function: str, arguments: dict[str, Any]) -> object:
    """What one of the project's SQL functions returns on a direct connection."""
    named = ", ".join(
        f"{name} => ${position}{'::jsonb' if name in _JSON else ''}"
        for position, name in enumerate(arguments, 1)
    )
    return await sql.document(
        f"select public.parlant_{function}({named})",
        *(json.dumps(value) if name in _JSON else value for name, value in arguments.items()),
    )


def cursor_before(dataset: Dataset, page: int) -> dict[str, str]:
    """Where the page of that number of a listing of all events begins, or the last but one."""
    last = min(page - 1, dataset.events // PAGE_SIZE - 2) * PAGE_SIZE - 1
    moment = datetime(2026, 1, 1) + timedelta(seconds=last)
    return {"creation_utc": f"{moment.isoformat()}+00:00", "id": dataset.event_id(last)}


def _operations(dataset: Dataset, call: Call, page: int) -> dict[str, Operation]:
    order = random.Random(1)
    prefix = f"{dataset.prefix}sessions_"
    events = {"p_prefix": prefix, "p_collection": "events"}
    later = cursor_before(dataset, page)
    half = dataset.sessions // 2
    inserted: deque[str] = deque()

    def by_id(value: str) -> dict[str, Any]:
        return {"id": {"$eq": value}}

    def any_event() -> str:
        return dataset.event_id(order.randrange(dataset.events))

    def any_session(first: int = 0) -> str:
        return dataset.session_id(first + order.randrange(half))

    def new_event() -> dict[str, Any]:
        # New events go to the sessions of the upper half, so that the others keep theirs.
        return {
            "id": generate_id(),
            "version": "0.9.0",
            "session_id": any_session(half),
            "kind": "message",
            "source": "customer",
            "trace_id": "t0",
            "metadata": None,
            "deleted": False,
            "data": {"message": MESSAGE},
        }

    async def insert() -> object:
        event = {**new_event(), "creation_utc": "2026-06-01T00:00:00+00:00", "offset": 1_000}
        inserted.append(event["id"])
        return await call("insert_one", {**events, "p_document": event})

    async def prepare_deletions(calls: int) -> None:
        while len(inserted) < calls:
            await insert()

    return {
        "find_one": Operation(
            lambda: call("find_one", {**events, "p_filters": by_id(any_event())})
        ),
        "insert_one": Operation(insert),
        "update_one": Operation(
            lambda: call(
                "update_one",
                {**events, "p_filters": by_id(any_event()), "p_params": {"trace_id": "t1"}},
            )
        ),
        "delete_one": Operation(
            lambda: call("delete_one", {**events, "p_filters": by_id(inserted.popleft())}),
            prepare_deletions,
        ),
        "create_event": Operation(
            lambda: call("create_event", {"p_prefix": prefix, "p_event": new_event()})
        ),
        "newest event of a session": Operation(
            lambda: call(
                "find_one",
                {
                    **events,
                    "p_filters": {"session_id": {"$eq": any_session()}},
                    "p_sort": [["offset", "desc"]],
                },
            )
        ),
        "events of a session": Operation(
            lambda: call("list_events", {"p_prefix": prefix, "p_session_id": any_session()})
        ),
        FIRST_PAGE: Operation(
            lambda: call("find", {**events, "p_filters": {}, "p_limit": PAGE_SIZE})
        ),
        LATER_PAGE: Operation(
            lambda: call(
                "find", {**events, "p_filters": {}, "p_limit": PAGE_SIZE, "p_cursor": later}
            )
        ),
    }
