"""Parlant's own stores on its JSON file database, which is what it offers without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from parlant.adapters.db.json_file import JSONFileDocumentDatabase
from parlant.core.persistence.document_database import DocumentDatabase

from benchmarks.contenders.contender import (
    Contender,
    Documents,
    Stores,
    documents_in,
    logger,
    parlants_stores,
)
from benchmarks.stack import Place


def file_of(place: Place, prefix: str) -> Path:
    """The file that holds the collections under a prefix."""
    return Path(place.directory) / f"{prefix.rstrip('_')}.json"


@asynccontextmanager
async def open_stores(place: Place) -> AsyncIterator[Stores]:
    """The stores, each with a file of its own."""
    async with AsyncExitStack() as stack:

        async def open_database(prefix: str) -> DocumentDatabase:
            return await stack.enter_async_context(
                JSONFileDocumentDatabase(logger(), file_of(place, prefix))
            )

        yield await stack.enter_async_context(parlants_stores(open_database, place))


@asynccontextmanager
async def open_documents(place: Place) -> AsyncIterator[Documents]:
    """The collection."""
    async with JSONFileDocumentDatabase(logger(), file_of(place, place.prefix)) as database:
        yield await documents_in(database)


JSON_FILE = Contender("JSON file", open_stores, open_documents, uses_network=False)
