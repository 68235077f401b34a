"""SQL, Python and Parlant agree on what the stores keep, and under which prefix."""

from __future__ import annotations

import psycopg
from parlant_supabase.store_layout import (
    CACHE_STATISTICS,
    CACHED_VALUES,
    DEFAULT_PREFIX,
    METADATA,
    STORES,
)
from parlant_supabase.stores.parlant_stores import parlant_stores


def test_that_sql_has_the_collections_of_each_store(sql: psycopg.Connection) -> None:
    rows = sql.execute("select store, collection from parlant_internal.store_collections()")

    assert rows.fetchall() == [
        (store.name, collection)
        for store in STORES
        for collection in (METADATA, *store.collections)
    ]


def test_that_sql_has_the_prefix_of_each_store(sql: psycopg.Connection) -> None:
    rows = sql.execute(
        "select distinct store, parlant_internal.default_prefix(%s, store)"
        " from parlant_internal.store_collections()",
        [DEFAULT_PREFIX],
    )

    assert dict(rows.fetchall()) == {store.name: store.table_prefix for store in STORES}


def test_that_sql_has_the_collections_of_a_cache(sql: psycopg.Connection) -> None:
    rows = sql.execute("select collection, holds_values from parlant_internal.cache_collections()")

    assert rows.fetchall() == [
        *((collection, True) for collection in CACHED_VALUES),
        (CACHE_STATISTICS, False),
    ]


async def test_that_parlants_stores_ask_for_these_collections() -> None:
    for store in await parlant_stores():
        assert store.loaders.keys() == {METADATA, *store.layout.collections}
