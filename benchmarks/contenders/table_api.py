"""Parlant's own stores on PostgREST's table API, through a synchronous client in threads.

The way in which the adapter before this one works: update and delete read the document first and
then write it. Written for the benchmarks, and in what does not make up that way to its advantage:
one pool of connections that are kept, an index for every filter that the stores use, as many
threads as there may be calls at once, and nothing read but what is needed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, TypeVar, cast

import httpx
import psycopg
from parlant.core.persistence.common import Cursor, SortDirection, Where
from parlant.core.persistence.document_database import (
    CollectionIndex,
    CollectionSort,
    DeleteResult,
    DocumentCollection,
    DocumentDatabase,
    FindResult,
    InsertResult,
    TDocument,
    UpdateResult,
)
from postgrest import SyncRequestBuilder, SyncSelectRequestBuilder
from supabase import Client, ClientOptions, create_client
from typing_extensions import override

from benchmarks.contenders.contender import (
    Contender,
    Documents,
    Stores,
    documents_in,
    parlants_stores,
)
from benchmarks.stack import Place

THREADS = 32

# What PostgREST answers at most, on a hosted project as on the local stack.
_PAGE = 1_000

_COLUMNS = ("id", "version", "creation_utc", "session_id", "customer_id", "agent_id")
_OPERATORS = {"$eq": "eq", "$ne": "neq", "$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}

_TABLE = """
create table public.{table} (
  id text collate "C" not null primary key,
  version text,
  creation_utc text collate "C",
  session_id text,
  customer_id text,
  agent_id text,
  data jsonb not null
);
create index on public.{table} (creation_utc, id);
create index on public.{table} (session_id, (data -> 'offset'));
create index on public.{table} (customer_id);
create index on public.{table} ((data ->> 'tag_id'));
create index on public.{table} ((data ->> 'variable_id'), (data ->> 'key'));
alter table public.{table} enable row level security;
grant select, insert, update, delete on table public.{table} to service_role;
insert into public.{table}
select id, version, creation_utc, session_id, customer_id, agent_id, data from public.{source};
analyze public.{table};
"""

T = TypeVar("T")


def table_of(prefix: str, collection: str) -> str:
    """The name of a collection's table."""
    return f"table_api_{prefix}{collection}"


class TableApiCollection(DocumentCollection[TDocument], Generic[TDocument]):
    """Documents in one table."""

    def __init__(self, client: Client, threads: ThreadPoolExecutor, table: str) -> None:
        self._client = client
        self._threads = threads
        self._table = table

    @override
    async def find(
        self,
        filters: Where,
        limit: int | None = None,
        cursor: Cursor | None = None,
        sort_direction: SortDirection | None = None,
    ) -> FindResult[TDocument]:
        descending = sort_direction is SortDirection.DESC
        most = None if limit is None else limit + 1

        def read() -> list[TDocument]:
            documents: list[TDocument] = []
            while True:
                query = _filtered(self._rows.select("data"), filters, cursor, descending)
                query = query.order("creation_utc", desc=descending).order("id", desc=descending)
                left = _PAGE if most is None else min(_PAGE, most - len(documents))
                first = len(documents)
                page = _documents(query.range(first, first + left - 1).execute().data)
                documents += page
                if len(page) < left or len(documents) == most:
                    return documents

        found = await self._in_thread(read)
        has_more = limit is not None and len(found) > limit
        items = found[:limit]
        last = items[-1] if has_more and items else None
        return FindResult(
            items=items,
            total_count=len(found),
            has_more=has_more,
            next_cursor=None if last is None else Cursor(last["creation_utc"], last["id"]),
        )

    @override
    async def find_one(
        self, filters: Where, sort: CollectionSort | None = None
    ) -> TDocument | None:
        return await self._in_thread(lambda: self._first(filters, sort))

    @override
    async def ensure_indexes(self, indexes: Sequence[CollectionIndex]) -> None:
        """Does nothing: the tables are made with their indexes."""

    @override
    async def insert_one(self, document: TDocument) -> InsertResult:
        await self._in_thread(lambda: self._rows.insert(_row(document)).execute())
        return InsertResult(acknowledged=True)

    @override
    async def update_one(
        self, filters: Where, params: TDocument, upsert: bool = False
    ) -> UpdateResult[TDocument]:
        def read_then_write() -> UpdateResult[TDocument]:
            stored = self._first(filters, None)
            if stored is None:
                if upsert:
                    self._rows.insert(_row(params)).execute()
                return UpdateResult(True, 0, 0, params if upsert else None)
            updated = cast("TDocument", {**stored, **params})
            self._rows.update(_row(updated)).eq("id", stored["id"]).execute()
            return UpdateResult(True, 1, 1, updated)

        return await self._in_thread(read_then_write)

    @override
    async def delete_one(self, filters: Where) -> DeleteResult[TDocument]:
        def read_then_write() -> DeleteResult[TDocument]:
            stored = self._first(filters, None)
            if stored is None:
                return DeleteResult(True, 0, None)
            self._rows.delete().eq("id", stored["id"]).execute()
            return DeleteResult(True, 1, stored)

        return await self._in_thread(read_then_write)

    @property
    def _rows(self) -> SyncRequestBuilder:
        return self._client.table(self._table)

    def _first(self, filters: Where, sort: CollectionSort | None) -> TDocument | None:
        query = _filtered(self._rows.select("data"), filters)
        for field, direction in sort or ():
            query = query.order(
                field if field in _COLUMNS else f"data->{field}",
                desc=direction is SortDirection.DESC,
            )
        documents: list[TDocument] = _documents(query.limit(1).execute().data)
        return documents[0] if documents else None

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


class TableApiDatabase(DocumentDatabase):
    """The tables under one prefix, which exist."""

    def __init__(self, client: Client, threads: ThreadPoolExecutor, prefix: str) -> None:
        self._client = client
        self._threads = threads
        self._prefix = prefix

    @override
    async def create_collection(
        self, name: str, schema: type[TDocument]
    ) -> DocumentCollection[TDocument]:
        return TableApiCollection(self._client, self._threads, table_of(self._prefix, name))

    @override
    async def get_collection(
        self, name: str, schema: type[TDocument], document_loader: Any
    ) -> DocumentCollection[TDocument]:
        return await self.create_collection(name, schema)

    @override
    async def get_or_create_collection(
        self, name: str, schema: type[TDocument], document_loader: Any
    ) -> DocumentCollection[TDocument]:
        return await self.create_collection(name, schema)

    @override
    async def delete_collection(self, name: str) -> None:
        raise NotImplementedError


@asynccontextmanager
async def open_stores(place: Place) -> AsyncIterator[Stores]:
    """The stores, with one client for all."""
    with _client(place) as client, ThreadPoolExecutor(THREADS) as threads:

        async def open_database(prefix: str) -> DocumentDatabase:
            return TableApiDatabase(client, threads, prefix)

        async with parlants_stores(open_database, place) as stores:
            yield stores


@asynccontextmanager
async def open_documents(place: Place) -> AsyncIterator[Documents]:
    """The collection."""
    with _client(place) as client, ThreadPoolExecutor(THREADS) as threads:
        yield await documents_in(TableApiDatabase(client, threads, place.prefix))


def make_table(connection: psycopg.Connection, prefix: str, collection: str, source: str) -> None:
    """Makes a collection's table with the rows of a table of parlant_supabase."""
    connection.execute(_TABLE.format(table=table_of(prefix, collection), source=source))


@contextmanager
def _client(place: Place) -> Iterator[Client]:
    limits = httpx.Limits(max_connections=THREADS, max_keepalive_connections=THREADS)
    with httpx.Client(limits=limits, timeout=60) as http:
        yield create_client(
            place.url,
            place.key,
            ClientOptions(httpx_client=http, auto_refresh_token=False, persist_session=False),
        )


def _filtered(
    query: SyncSelectRequestBuilder,
    filters: Where,
    cursor: Cursor | None = None,
    descending: bool = False,
) -> SyncSelectRequestBuilder:
    terms = _terms(filters)
    if cursor is not None:
        beyond = "lt" if descending else "gt"
        moment, id = json.dumps(cursor.creation_utc), json.dumps(cursor.id)
        terms.append(
            f"or(creation_utc.{beyond}.{moment},and(creation_utc.eq.{moment},id.{beyond}.{id}))"
        )
    return query.or_(_and(terms)) if terms else query


def _terms(filters: Any) -> list[str]:
    """The terms of a filter in PostgREST's syntax, which are to be ANDed."""
    terms: list[str] = []
    for field, condition in filters.items():
        if field == "$and":
            terms += [_and(_terms(member)) for member in condition]
        elif field == "$or":
            terms.append(f"or({','.join(_and(_terms(member)) for member in condition)})")
        else:
            terms += [_term(field, operator, value) for operator, value in condition.items()]
    return terms


def _term(field: str, operator: str, value: Any) -> str:
    is_text = isinstance(value, str)
    column = field if field in _COLUMNS else f"data->{'>' if is_text else ''}{field}"
    return f"{column}.{_OPERATORS[operator]}.{json.dumps(value)}"


def _and(terms: list[str]) -> str:
    return terms[0] if len(terms) == 1 else f"and({','.join(terms)})"


def _row(document: Any) -> dict[str, Any]:
    return {**{column: document.get(column) for column in _COLUMNS}, "data": document}


def _documents(rows: Any) -> list[Any]:
    return [row["data"] for row in rows]


TABLE_API = Contender("table API in threads", open_stores, open_documents)
