"""The physical limit: SQL written by hand, on direct connections that no gateway stands before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benchmarks.operations import MESSAGE, Operation, point_operations
from benchmarks.stack import Place

DIRECT_SQL = "direct SQL"

# As many connections as parlant_supabase keeps.
_CONNECTIONS = 8


class DirectSql:
    """Statements on a pool of connections; documents are read and written as JSON."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def document(self, statement: str, *arguments: object) -> Any:
        """The JSON value that the statement returns, or None."""
        text = await self._pool.fetchval(statement, *arguments)
        return None if text is None else json.loads(text)

    async def documents(self, statement: str, *arguments: object) -> list[Any]:
        """The JSON values that the statement returns."""
        return [json.loads(row[0]) for row in await self._pool.fetch(statement, *arguments)]

    async def execute(self, statement: str, *arguments: object) -> None:
        """Executes a statement that returns nothing."""
        await self._pool.execute(statement, *arguments)


@asynccontextmanager
async def open_direct_sql(place: Place) -> AsyncIterator[DirectSql]:
    """A pool of connections."""
    async with asyncpg.create_pool(
        place.database_url, min_size=_CONNECTIONS, max_size=_CONNECTIONS
    ) as pool:
        yield DirectSql(pool)


def document_operations(sql: DirectSql, table: str, count: int) -> dict[str, Operation]:
    """The calls of a DocumentCollection, on its table."""
    changes = json.dumps({"session_id": "s0", "message": MESSAGE})
    select = f"select data from {table} where id = $1"  # noqa: S608
    insert = f"insert into {table} (data) values ($1)"  # noqa: S608
    update = f"update {table} set data = data || $2 where id = $1 returning data"  # noqa: S608
    delete = f"delete from {table} where id = $1 returning data"  # noqa: S608
    return point_operations(
        count,
        find_one=lambda id_: sql.document(select, id_),
        insert_one=lambda document: sql.execute(insert, json.dumps(document)),
        update_one=lambda id_: sql.document(update, id_, changes),
        delete_one=lambda id_: sql.document(delete, id_),
    )
