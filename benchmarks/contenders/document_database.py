"""Parlant's own stores on SupabaseDocumentDatabase: every call of a collection is a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from parlant.core.persistence.document_database import DocumentDatabase
from parlant_supabase import SupabaseDocumentDatabase

from benchmarks.contenders.contender import (
    Contender,
    Documents,
    Stores,
    documents_in,
    logger,
    parlants_stores,
)
from benchmarks.stack import Place


@asynccontextmanager
async def open_stores(place: Place) -> AsyncIterator[Stores]:
    """The stores; they share no client, as in the README."""
    async with AsyncExitStack() as stack:

        async def open_database(prefix: str) -> DocumentDatabase:
            return await stack.enter_async_context(_database(place, prefix))

        yield await stack.enter_async_context(parlants_stores(open_database, place))


@asynccontextmanager
async def open_documents(place: Place) -> AsyncIterator[Documents]:
    """The collection."""
    async with _database(place, place.prefix) as database:
        yield await documents_in(database)


def _database(place: Place, prefix: str) -> SupabaseDocumentDatabase:
    return SupabaseDocumentDatabase(
        logger(), {"url": place.url, "key": place.key}, table_prefix=prefix
    )


DOCUMENT_DATABASE = Contender("document database", open_stores, open_documents)
