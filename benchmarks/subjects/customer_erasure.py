"""How long it takes to erase a customer, and what others notice of it meanwhile."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles

from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant_supabase.customer_data.erasure import Erasure
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import StorePrefixes

from benchmarks.contenders.contender import Stores
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.dataset import Dataset
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import summarize
from benchmarks.setting import Setting

_CUSTOMERS = 500
"""How many customers the sessions of a dataset are dealt out to."""

_LONGEST_SECONDS = 10.0
_PAUSE_S = 0.005


async def measure_customer_erasure(setting: Setting) -> Subject:
    """Measures Erasure.erase_customer while an agent writes and reads for another customer."""
    events = setting.scale.erased_events
    per_session = max(1, events // 100)
    # Session n belongs to customer n % 500, so the first two sessions have customers 0 and 1.
    seconds: list[float] = []
    slowdowns: list[float] = []
    for number in range(setting.scale.slow_rounds):
        dataset = setting.dataset(
            f"erased_{number}_", events, customers=2, events_per_session=per_session
        )
        await dataset.fill()
        _give_all_but_one_session_to_the_first_customer(setting, dataset)
        elapsed, times_as_long = await _erase_while_another_is_served(dataset)
        seconds.append(elapsed)
        slowdowns.append(times_as_long)
    operation = f"erase a customer with {events:,} events"
    duration, slowdown = summarize(seconds), summarize(slowdowns)
    contender = ONE_REQUEST_STORES.name
    return Subject(
        "customer_erasure",
        "Erasing a customer while an agent serves others",
        None,
        [
            Measurement(operation, contender, "s", duration),
            Measurement("p95 of the others' calls meanwhile / before", contender, "×", slowdown),
        ],
        bars=[
            Bar(operation, duration, most=_LONGEST_SECONDS, unit="s"),
            Bar("p95 of the others' calls while a customer is erased", slowdown, most=2.0),
        ],
        notes=[
            "The agent makes a call, an event or a read of the session, every few milliseconds."
        ],
    )


def _give_all_but_one_session_to_the_first_customer(setting: Setting, dataset: Dataset) -> None:
    setting.connection.execute(
        f"update public.{dataset.table('sessions')} set data = data || jsonb_build_object("  # noqa: S608
        " 'customer_id', case id when 's1' then 'c1' else 'c0' end)"
    )


async def _erase_while_another_is_served(dataset: Dataset) -> tuple[float, float]:
    """Seconds of the erasure, and how many times as long the others' calls took."""
    place = dataset.place
    settings = ConnectionSettings.resolve({"url": place.url, "key": place.key})
    prefixes = StorePrefixes(place.prefix, place.prefix, place.prefix)
    async with (
        ONE_REQUEST_STORES.open_stores(place) as stores,
        RpcClient(settings) as rpc,
    ):
        erasure = asyncio.create_task(asyncio.sleep(1.0))
        before = await _serve_until(erasure, stores)

        began = time.perf_counter()
        erasing = asyncio.create_task(
            Erasure(rpc, prefixes).erase_customer("c0", lambda rows: None)
        )
        meanwhile = await _serve_until(erasing, stores)
        await erasing
        elapsed = time.perf_counter() - began
    return elapsed, _p95(meanwhile) / _p95(before)


async def _serve_until(task: asyncio.Task[object], stores: Stores) -> list[float]:
    """The seconds of each call that an agent makes until a task has ended."""
    seconds: list[float] = []
    session = SessionId("s1")
    while not task.done() or len(seconds) < 2:
        began = time.perf_counter()
        if len(seconds) % 2:
            await stores.sessions.list_events(session, min_offset=1_000_000)
        else:
            await stores.sessions.create_event(
                session, EventSource.AI_AGENT, EventKind.STATUS, "trace", {"status": "typing"}
            )
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(_PAUSE_S)
    return seconds


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]
