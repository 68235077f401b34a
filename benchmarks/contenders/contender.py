"""What all contenders have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableStore
from parlant.core.customers import CustomerDocumentStore, CustomerStore
from parlant.core.loggers import Logger, LogLevel, TracingLogger
from parlant.core.persistence.document_database import (
    BaseDocument,
    DocumentCollection,
    DocumentDatabase,
)
from parlant.core.sessions import SessionDocumentStore, SessionStore
from parlant.core.tracer import LocalTracer
from typing_extensions import Required

from benchmarks.stack import Place

OpenDatabase = Callable[[str], Awaitable[DocumentDatabase]]
"""Opens the database whose tables' or file's name begins so."""


class Document(BaseDocument, total=False):
    """A document of the size of a short message, for the calls of a DocumentCollection."""

    session_id: Required[str]
    message: Required[str]


Documents = DocumentCollection[Document]


@dataclass(frozen=True)
class Stores:
    """The three stores that Parlant's server can be given."""

    sessions: SessionStore
    customers: CustomerStore
    variables: ContextVariableStore


@dataclass(frozen=True)
class Contender:
    """One way of keeping Parlant's documents.

    Attributes:
        name: As the tables and charts show it.
        open_stores: Opens Parlant's three stores.
        open_documents: Opens a collection called `documents`; None if there is no such thing.
        uses_network: Whether it sends requests to the stack.
        joins_server: Whether a server's `configure_container` is join_server.
    """

    name: str
    open_stores: Callable[[Place], AbstractAsyncContextManager[Stores]]
    open_documents: Callable[[Place], AbstractAsyncContextManager[Documents]] | None = None
    uses_network: bool = True
    joins_server: bool = False


def logger() -> Logger:
    """A logger that says nothing of what is measured."""
    return TracingLogger(LocalTracer(), LogLevel.ERROR, logger_id="benchmarks")


@asynccontextmanager
async def parlants_stores(open_database: OpenDatabase, place: Place) -> AsyncIterator[Stores]:
    """Parlant's own stores, each on a database of its own."""
    async with AsyncExitStack() as stack:
        yield Stores(
            await stack.enter_async_context(
                SessionDocumentStore(await open_database(f"{place.prefix}sessions_"), True)
            ),
            await stack.enter_async_context(
                CustomerDocumentStore(
                    IdGenerator(), await open_database(f"{place.prefix}customers_"), True
                )
            ),
            await stack.enter_async_context(
                ContextVariableDocumentStore(
                    IdGenerator(), await open_database(f"{place.prefix}context_variables_"), True
                )
            ),
        )


async def documents_in(database: DocumentDatabase) -> Documents:
    """The collection called `documents`."""
    return await database.get_or_create_collection("documents", Document, load_document)


async def load_document(document: BaseDocument) -> Any:
    """Leaves a document as it is."""
    return document
