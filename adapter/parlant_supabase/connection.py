"""Calls for the documents under one table prefix."""

from __future__ import annotations

from typing import Any

from parlant.core.persistence.document_database import TDocument

from parlant_supabase.collection import SupabaseDocumentCollection
from parlant_supabase.conversion import Loader
from parlant_supabase.document_migration import (
    load_documents,
    log_report,
    store_of,
    version_of,
)
from parlant_supabase.errors import ConfigurationError
from parlant_supabase.failed_copies import FailedCopies
from parlant_supabase.left_out import LeftOutDocuments
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import Function, Reply
from parlant_supabase.rpc.replies import OpenedCollectionReply
from parlant_supabase.rpc.telemetry import Observer


class Connection:
    """Calls SQL functions for the documents of one Parlant store.

    Args:
        rpc: Makes the calls; connections to other stores may share it.
        prefix: The store's table prefix.
        observer: Has the logger that hears of migrated and failed documents.

    Attributes:
        left_out: Names documents that cannot be read in the log.
        failed_copies: Copies them to the failed documents.
    """

    def __init__(self, rpc: RpcClient, prefix: str, observer: Observer) -> None:
        self.rpc = rpc
        self.prefix = prefix
        self.observer = observer
        self.left_out = LeftOutDocuments(observer)
        self.failed_copies = FailedCopies(self.call_collection, observer)
        self._store: object | None = None

    async def call(self, function: Function[Reply], **arguments: Any) -> Reply:
        """The reply of a function.

        Args:
            function: The function.
            arguments: Its arguments except `p_prefix`; those that are None keep their defaults.

        Raises:
            UnstorableValueError: An argument holds what JSON cannot.
            SupabaseAdapterError: The call failed; the class says how.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self.rpc.call(
            function,
            {"p_prefix": self.prefix, **given},
            f"{function.operation} (prefix {self.prefix!r})",
        )

    async def call_collection(
        self, function: Function[Reply], collection: str, **arguments: Any
    ) -> Reply:
        """The reply of a function of one collection.

        Args:
            function: The function.
            collection: The collection's name.
            arguments: Its arguments except `p_prefix` and `p_collection`.

        Raises:
            UnstorableValueError: An argument holds what JSON cannot.
            SupabaseAdapterError: The call failed; the class says how.
        """
        return await self.rpc.call(
            function,
            {"p_prefix": self.prefix, "p_collection": collection, **arguments},
            f"{function.operation} of collection {collection!r} (prefix {self.prefix!r})",
        )

    async def open_collection(
        self,
        function: Function[OpenedCollectionReply],
        name: str,
        schema: type[TDocument],
        loader: Loader,
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection that a function opens, its documents at the store's version."""
        self._check_one_store(loader)
        opened = await self.call_collection(function, name, p_version=version_of(loader))
        return await self.load_collection(name, schema, loader, opened)

    async def load_collection(
        self, name: str, schema: type[TDocument], loader: Loader, opened: OpenedCollectionReply
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection that has been opened, its documents at the store's version.

        Args:
            name: The collection's name.
            schema: The type of its documents.
            loader: The store's loader.
            opened: The reply of the function that opened the collection.
        """
        self._check_one_store(loader)

        async def call(function: Function[Reply], **arguments: Any) -> Reply:
            return await self.call_collection(function, name, **arguments)

        self.left_out.opened(name, opened["table"])

        def left_out(id: str, why: str) -> None:
            self.left_out.name(name, id, why)

        report = await load_documents(call, opened, loader, left_out)
        log_report(self.observer.logger, name, opened["failed_table"], report)
        return self.collection(name, schema)

    def leave_out(self, collection: str, id: object, why: str) -> None:
        """Names a document that cannot be read in the log and has it copied, once.

        Args:
            collection: The document's collection.
            id: Its id.
            why: A clause without content of the document, such as "it lacks trace_id".
        """
        if self.left_out.name(collection, id, why) and isinstance(id, str):
            self.failed_copies.add(collection, id, f"raised: {why}")

    def collection(
        self, name: str, schema: type[TDocument]
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection; nothing is sent."""
        return SupabaseDocumentCollection(self.rpc, self.prefix, name, schema)

    def _check_one_store(self, loader: Loader) -> None:
        store = store_of(loader)
        if store is None:
            return
        if self._store is not None and type(store) is not type(self._store):
            raise ConfigurationError(
                f"{type(self._store).__name__} and {type(store).__name__} were given the same "
                f"database (prefix {self.prefix!r}). Give each store a SupabaseDocumentDatabase "
                "with a table_prefix of its own."
            )
        self._store = store
