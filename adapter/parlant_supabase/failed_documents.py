"""Documents that could not be converted: which there are, another try, and their end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from parlant.core.persistence.document_database import BaseDocument

from parlant_supabase.conversion import convert
from parlant_supabase.errors import UnstorableValueError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.encoding import encode_document
from parlant_supabase.rpc.functions import (
    COUNT_FAILED_DOCUMENTS,
    DROP_FAILED_DOCUMENTS,
    FIND_ONE,
    LIST_FAILED_DOCUMENTS,
    RESTORE_FAILED_DOCUMENTS,
    Function,
    Reply,
)
from parlant_supabase.stores.parlant_stores import ParlantStore, parlant_stores
from parlant_supabase.stores.reading import objection_to

REASONS_TO_STAY = {
    "occupied": "the collection has another document of that id, or has changed it since",
    "deleted": "the collection has deleted it since",
}
"""Outcomes of parlant_restore_failed_documents() that leave a document where it is."""


class UnknownStoreError(Exception):
    """No loader is known for a collection; the message is one sentence that says why."""


@dataclass(frozen=True)
class FailedCollection:
    """A collection and how many of its documents have failed.

    Attributes:
        prefix: The table prefix of its store.
        collection: Its name.
        rejected: Documents that are nowhere else.
        raised: Copies of documents that the collection has, or had, too.
        unknown: Documents that an earlier adapter left without a reason.
    """

    prefix: str
    collection: str
    rejected: int
    raised: int
    unknown: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.rejected + self.raised + self.unknown


@dataclass(frozen=True)
class FailedDocument:
    """A document in a table of failed documents.

    Attributes:
        seq: What tells it from others in its table.
        id: Its id; None where it has none.
        version: Its version; None where it has none.
        reason: Why it failed.
        failed_at: When, in ISO 8601.
        data: The document; None where it was not asked for.
    """

    seq: int
    id: str | None
    version: str | None
    reason: str
    failed_at: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class Retried:
    """What became of a failed document that was given to its loader again.

    Attributes:
        document: The document.
        stays: Why it is still a failed one; None if it is none any more.
    """

    document: FailedDocument
    stays: str | None


class FailedDocuments:
    """The tables of failed documents of a project.

    Its methods raise `SupabaseAdapterError`.

    Args:
        rpc: An open connection to the project.
    """

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    async def collections(
        self, prefix: str | None, collection: str | None
    ) -> list[FailedCollection]:
        """The collections under a prefix, of a name, or all of them; those without any, too."""
        reply = await self._rpc.call(
            COUNT_FAILED_DOCUMENTS,
            {"p_prefix": prefix, "p_collection": collection},
            "counting failed documents",
        )
        return [FailedCollection(**each) for each in reply["collections"]]

    async def pages(
        self, collection: FailedCollection, *, with_data: bool = False
    ) -> AsyncIterator[list[FailedDocument]]:
        """A collection's failed documents in the order in which they failed, page by page."""
        after: int | None = None
        while True:
            reply = await self._call(
                LIST_FAILED_DOCUMENTS, collection, p_after=after, p_with_data=with_data
            )
            yield [FailedDocument(**document) for document in reply["documents"]]
            after = reply["next"]
            if after is None:
                return

    async def store_of(self, collection: FailedCollection) -> ParlantStore:
        """The store whose collection it is.

        Raises:
            UnknownStoreError: It belongs to none of Parlant's stores that are known here, or its
                documents are not at the version of the installed Parlant's.
        """
        names = {each.collection for each in await self.collections(collection.prefix, None)}
        for store in await parlant_stores():
            if names >= store.loaders.keys() and collection.collection in store.loaders:
                break
        else:
            raise UnknownStoreError(
                f"Collection {collection.collection} (prefix {collection.prefix}) is of none of "
                "Parlant's stores for sessions, customers and context variables, so what would "
                "convert its documents is not known; name others with --prefix and --collection."
            )
        metadata = await self._rpc.call(
            FIND_ONE,
            {"p_prefix": collection.prefix, "p_collection": "metadata", "p_filters": {}},
            f"reading the version of the store (prefix {collection.prefix!r})",
        )
        version = (metadata["document"] or {}).get("version", store.version)
        if version != store.version:
            raise UnknownStoreError(
                f"The documents under the prefix {collection.prefix} are at version {version}, the "
                f"{store.name} of the installed Parlant is at {store.version}; install the Parlant "
                "that the agent runs with, or start the agent with this one first."
            )
        return store

    async def retry(
        self, collection: FailedCollection, store: ParlantStore, page: Sequence[FailedDocument]
    ) -> list[Retried]:
        """Gives documents to their loader; those that it converts now are failed ones no more.

        Args:
            collection: Their collection.
            store: The collection's store.
            page: The documents, with their data.
        """
        stays: dict[int, str] = {}
        converted = []
        for document in page:
            try:
                loaded = await _load(document, store, collection.collection)
                data = encode_document(loaded)
            except (_NotConvertedError, UnstorableValueError) as error:
                stays[document.seq] = str(error)
                continue
            objection = objection_to(collection.collection, loaded)
            if objection is None or await self._was_corrected(collection, store, document):
                converted.append({"seq": document.seq, "data": data})
            else:
                stays[document.seq] = f"raised: {objection}"
        if converted:
            reply = await self._call(
                RESTORE_FAILED_DOCUMENTS,
                collection,
                p_documents=converted,
                p_version=store.version,
            )
            stays |= {
                each["seq"]: REASONS_TO_STAY[each["outcome"]]
                for each in reply["outcomes"]
                if each["outcome"] in REASONS_TO_STAY
            }
        return [Retried(document, stays.get(document.seq)) for document in page]

    async def _was_corrected(
        self, collection: FailedCollection, store: ParlantStore, document: FailedDocument
    ) -> bool:
        """Whether the document that the collection has can be read, other than its copy."""
        reply = await self._call(FIND_ONE, collection, p_filters={"id": {"$eq": document.id}})
        stored = reply["document"]
        return (
            stored is not None
            and stored.get("version") == store.version
            and objection_to(collection.collection, stored) is None
        )

    async def drop(self, collection: FailedCollection, seqs: Sequence[int]) -> int:
        """Deletes failed documents for good; returns how many there were."""
        reply = await self._call(DROP_FAILED_DOCUMENTS, collection, p_seqs=seqs)
        return reply["dropped"]

    async def _call(
        self, function: Function[Reply], collection: FailedCollection, **arguments: Any
    ) -> Reply:
        return await self._rpc.call(
            function,
            {"p_prefix": collection.prefix, "p_collection": collection.collection, **arguments},
            f"{function.operation} of collection {collection.collection!r} "
            f"(prefix {collection.prefix!r})",
        )


class _NotConvertedError(Exception):
    """A loader does not convert a document; the message says why."""


async def _load(
    document: FailedDocument, store: ParlantStore, collection: str
) -> Mapping[str, Any]:
    """A document at the store's version.

    Raises:
        _NotConvertedError: The store's loader does not convert it.
    """
    data = document.data or {}
    if document.version == store.version:
        return data
    try:
        loaded = await convert(store.loaders[collection], cast(BaseDocument, data))
    except Exception as error:
        # A loader may raise whatever it likes.
        raise _NotConvertedError(f"raised: {type(error).__name__}: {error}") from error
    if not loaded:
        raise _NotConvertedError("rejected")
    return cast(Mapping[str, Any], loaded)
