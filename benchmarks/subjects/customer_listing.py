"""How long it takes to list customers with their tags."""

from __future__ import annotations

from contextlib import AsyncExitStack

from benchmarks.contenders import direct_sql
from benchmarks.contenders.contender import Contender, Stores
from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API
from benchmarks.dataset import EVENTS_PER_SESSION, Dataset
from benchmarks.results import Bar, Measurement, Subject
from benchmarks.rounds import Case, measure
from benchmarks.setting import Setting


async def measure_customer_listing(setting: Setting) -> Subject:
    """Measures CustomerStore.list_customers; Parlant's own makes one call for each customer."""
    scale = setting.scale
    dataset = setting.dataset("listing_", EVENTS_PER_SESSION, scale.customers)
    await dataset.fill()
    dataset.copy_to_table_api()
    dataset.copy_to_files()
    operation = f"list {scale.customers:,} customers with tags"

    async with AsyncExitStack() as stack:
        sql = await stack.enter_async_context(direct_sql.open_direct_sql(dataset.place))
        cases = [Case(operation, direct_sql.DIRECT_SQL, lambda: sql.documents(_statement(dataset)))]
        for contender in (JSON_FILE, TABLE_API, DOCUMENT_DATABASE, ONE_REQUEST_STORES):
            cases.append(await _case(stack, contender, dataset, operation))
        series = await measure(cases, scale.slow_rounds)

    by_contender = {one.case.contender: one for one in series}
    ours = by_contender[ONE_REQUEST_STORES.name]
    return Subject(
        "customer_listing",
        "Listing customers with their tags",
        ONE_REQUEST_STORES.name,
        [
            Measurement(
                operation,
                one.case.contender,
                "ms",
                one.seconds().scaled(1_000),
                one.ratio(ours),
            )
            for one in series
        ],
        [
            Bar(
                f"{operation}: one request each ({contender}) / {ours.case.contender}",
                by_contender[contender].ratio(ours),
                least=50,
            )
            for contender in (TABLE_API.name, DOCUMENT_DATABASE.name)
        ],
    )


async def _case(
    stack: AsyncExitStack, contender: Contender, dataset: Dataset, operation: str
) -> Case:
    stores: Stores = await stack.enter_async_context(contender.open_stores(dataset.place))

    async def list_customers() -> None:
        listing = await stores.customers.list_customers()
        # The guest is one of them.
        assert len(listing.items) == dataset.customers + 1

    return Case(operation, contender.name, list_customers)


def _statement(dataset: Dataset) -> str:
    return f"""
        select c.data || jsonb_build_object('tags', coalesce(t.tags, '[]'))
        from public.{dataset.table("customers")} as c
        left join (
          select a.customer_id, jsonb_agg(a.data -> 'tag_id' order by a.creation_utc, a.id) as tags
          from public.{dataset.table("customer_tag_associations")} as a
          group by a.customer_id
        ) as t on t.customer_id = c.id
        order by c.creation_utc, c.id
    """  # noqa: S608
