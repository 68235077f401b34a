"""Every writing function at once, in eight processes on busy processors: none halts another."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.concurrency.writing import keep_busy, write

PROCESSES = 8
SECONDS = float(os.environ.get("PARLANT_SUPABASE_STRESS_SECONDS", "60"))

_COLLECTIONS = {
    "documents",
    "sessions",
    "events",
    "customers",
    "customer_tag_associations",
    "variables",
    "variable_tag_associations",
    "values",
    "cached_evaluations",
    "cached_embeddings",
    "cache_statistics",
}


@pytest.fixture
def collections(sql: psycopg.Connection, prefix: str) -> str:
    """The prefix of the collections; whoever writes a document in them takes a while to commit.

    Without that few calls would meet.
    """
    sql.execute(
        SQL(
            "create function {0}() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(0.002); return null; end $$"
        ).format(Identifier("public", f"{prefix}linger"))
    )
    for collection in sorted(_COLLECTIONS):
        sql.execute("select public.parlant_create_collection(%s, %s)", (prefix, collection))
        if collection == "values":
            sql.execute(
                "select public.parlant_ensure_indexes(%s, %s, %s)",
                (prefix, collection, Jsonb([{"fields": [["k", "asc"]], "unique": True}])),
            )
        sql.execute(
            SQL(
                "create trigger linger after insert or update or delete on {1}"
                " for each row execute function {0}()"
            ).format(
                Identifier("public", f"{prefix}linger"), Identifier("public", prefix + collection)
            )
        )
    return prefix


@pytest.mark.timeout(SECONDS + 300)
def test_that_all_writing_functions_at_once_end_in_no_deadlock(
    stack: LocalStack, sql: psycopg.Connection, collections: str
) -> None:
    row = sql.execute(
        "select array_agg(substr(proname, 9)) from pg_proc"
        " where pronamespace = 'public'::regnamespace and proname like 'parlant\\_%'"
        " and provolatile = 'v' and proname <> 'parlant_execute'"
    ).fetchone()
    assert row is not None
    deadlocks = _deadlocks(sql)
    busy = os.cpu_count() or 1
    called: Counter[str] = Counter()
    errors: Counter[str] = Counter()

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES + busy, context) as processes:
        for _ in range(busy):
            processes.submit(keep_busy, SECONDS)
        jobs = [
            processes.submit(write, stack.database_url, collections, seed, SECONDS)
            for seed in range(PROCESSES)
        ]
        for job in jobs:
            called_there, errors_there = job.result()
            called += called_there
            errors += errors_there

    assert errors == {}
    assert _deadlocks(sql) == deadlocks
    assert set(called) == set(row[0])


def _deadlocks(sql: psycopg.Connection) -> int:
    row = sql.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row is not None
    return int(row[0])
