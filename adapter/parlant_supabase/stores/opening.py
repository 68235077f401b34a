"""Opens the collections of a store in one request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from parlant.adapters.db.transient import TransientDocumentCollection
from parlant.core.common import Version
from parlant.core.persistence.document_database import (
    DocumentCollection,
    DocumentDatabase,
    TDocument,
)
from parlant.core.persistence.document_database_helper import MetadataDocument
from typing_extensions import override

from parlant_supabase.connection import Connection
from parlant_supabase.conversion import Loader
from parlant_supabase.database import SupabaseDocumentDatabase, connection_of
from parlant_supabase.rpc.functions import (
    OPEN_STORE,
    UPDATE_ONE,
)
from parlant_supabase.rpc.replies import OpenedCollectionReply

_METADATA = "metadata"


@asynccontextmanager
async def opening(
    database: SupabaseDocumentDatabase, collections: Sequence[str], version: Version
) -> AsyncIterator[DocumentDatabase]:
    """A database for Parlant's own opening of a store, which asks for one collection after another.

    Everything that it is going to ask for is fetched before, and the metadata, in which it keeps
    the store's version, is written after it, if it has changed.

    Args:
        database: Where the store's documents are.
        collections: The names of the store's collections, without metadata. One that is not among
            them costs a request of its own.
        version: The store's version.
    """
    connection = connection_of(database)
    reply = await connection.call(
        OPEN_STORE, p_collections=list(collections), p_version=version.to_string()
    )
    stored: list[MetadataDocument] = reply["metadata"]
    metadata = TransientDocumentCollection(_METADATA, MetadataDocument, stored)
    yield _OpenedDatabase(database, connection, metadata, reply["collections"])
    for document in await metadata.find({}):
        if document not in stored:
            await connection.call(
                UPDATE_ONE,
                p_collection=_METADATA,
                p_filters={"id": {"$eq": document["id"]}},
                p_params=document,
                p_upsert=True,
            )


class _OpenedDatabase(DocumentDatabase):
    def __init__(
        self,
        database: SupabaseDocumentDatabase,
        connection: Connection,
        metadata: TransientDocumentCollection[MetadataDocument],
        opened: dict[str, OpenedCollectionReply],
    ) -> None:
        self._database = database
        self._connection = connection
        self._metadata = metadata
        self._opened = opened

    @override
    async def get_or_create_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> DocumentCollection[TDocument]:
        if name == _METADATA:
            return cast("DocumentCollection[TDocument]", self._metadata)
        if name in self._opened:
            return await self._connection.load_collection(
                name, schema, document_loader, self._opened.pop(name)
            )
        return await self._database.get_or_create_collection(name, schema, document_loader)

    @override
    async def create_collection(
        self, name: str, schema: type[TDocument]
    ) -> DocumentCollection[TDocument]:
        return await self._database.create_collection(name, schema)

    @override
    async def get_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> DocumentCollection[TDocument]:
        return await self._database.get_collection(name, schema, document_loader)

    @override
    async def delete_collection(self, name: str) -> None:
        await self._database.delete_collection(name)
