"""Opens the collections of a store in one request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import Version
from parlant.core.persistence.common import ObjectId
from parlant.core.persistence.document_database import (
    DocumentCollection,
    DocumentDatabase,
    TDocument,
)
from typing_extensions import TypedDict, override

from parlant_supabase.conversion import Loader
from parlant_supabase.database import SupabaseDocumentDatabase, connection_of
from parlant_supabase.rpc.functions import OPEN_STORE, UPDATE_ONE
from parlant_supabase.rpc.replies import OpenedCollectionReply
from parlant_supabase.store_layout import METADATA


class _Identified(TypedDict):
    id: ObjectId


class StoreDatabase(DocumentDatabase):
    """The database of a store, which fetches at once what Parlant's opening asks for in turn.

    Args:
        database: Where the store's documents are.
    """

    def __init__(self, database: SupabaseDocumentDatabase) -> None:
        self._database = database
        self._connection = connection_of(database)
        self._metadata: DocumentCollection[Any] | None = None
        self._opened: dict[str, OpenedCollectionReply] = {}

    @asynccontextmanager
    async def opening(self, collections: Sequence[str], version: Version) -> AsyncIterator[None]:
        """Serves Parlant's opening of the store, which takes place inside the block.

        All collections are fetched before it. Metadata, in which Parlant keeps the store's version,
        is written after it if it has changed.

        Args:
            collections: The names of the store's collections, without metadata. One that is not
                among them costs a request of its own.
            version: The store's version.
        """
        reply = await self._connection.call(
            OPEN_STORE, p_collections=list(collections), p_version=version.to_string()
        )
        # Metadata of an early Parlant has no creation_utc, so its own schema would refuse it.
        schema: type[Any] = _Identified
        metadata = await TransientDocumentDatabase().create_collection(METADATA, schema)
        for stored in reply["metadata"]:
            await metadata.insert_one(stored)
        self._metadata, self._opened = metadata, reply["collections"]
        try:
            yield
        finally:
            self._metadata, self._opened = None, {}
        for document in await metadata.find({}):
            if document not in reply["metadata"]:
                await self._connection.call(
                    UPDATE_ONE,
                    p_collection=METADATA,
                    p_filters={"id": {"$eq": document["id"]}},
                    p_params=document,
                    p_upsert=True,
                )

    @override
    async def get_or_create_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> DocumentCollection[TDocument]:
        if name == METADATA and self._metadata is not None:
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
