"""Opening a store takes as much memory as a few pages of documents, however many it holds.

Measured once with OLD_DOCUMENTS=200000; by default there are fewer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TypedDict

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from psycopg.sql import SQL, Identifier

from tests.adapter import open_store

MANY = int(os.environ.get("OLD_DOCUMENTS", "10000"))

# A page ends past 4 MB. It is in memory as bytes, as text and as objects, together with what the
# loader made of it and with the request that says so.
MOST_BYTES = 40_000_000


class Usage(TypedDict):
    """What opening a store took."""

    loaded: int
    peak_bytes: int


@pytest.fixture
def opening(stack: LocalStack, sql: psycopg.Connection, prefix: str) -> Callable[[int, int], Usage]:
    """Opens a store of so many old documents of so many characters each."""

    def open(count: int, characters: int) -> Usage:
        name = f"{prefix}{count}_{characters}_"
        sql.execute("select public.parlant_create_collection(%s, %s)", (name, open_store.NAME))
        sql.execute(
            SQL(
                "insert into {} (data) select jsonb_build_object("
                "'id', n::text, 'creation_utc', '2026', 'version', '1.0.0',"
                # Not one character over and over, which would be compressed to nothing.
                " 'data', left(repeat(md5(n::text), %s / 32 + 1), %s))"
                " from generate_series(1, %s) as n"
            ).format(Identifier("public", f"{name}{open_store.NAME}")),
            (characters, characters, count),
        )
        process = subprocess.run(
            [sys.executable, open_store.__file__, stack.url, stack.service_role_key, name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        usage: Usage = json.loads(process.stdout)
        print(f"{count} documents of {characters} characters: {usage}")
        assert usage["loaded"] == count
        return usage

    return open


def test_that_the_memory_to_open_a_store_does_not_grow_with_its_documents(
    opening: Callable[[int, int], Usage],
) -> None:
    few = opening(2_000, 500)
    many = opening(MANY, 500)

    assert many["peak_bytes"] < MOST_BYTES
    assert many["peak_bytes"] < 1.1 * few["peak_bytes"]


def test_that_the_memory_to_open_a_store_of_large_documents_is_that_of_a_few(
    opening: Callable[[int, int], Usage],
) -> None:
    assert opening(60, 1_000_000)["peak_bytes"] < MOST_BYTES
