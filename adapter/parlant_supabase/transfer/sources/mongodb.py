"""Parlant's storage in MongoDB: a database for each store, a collection for each of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from parlant_supabase import remedies
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Part, Record
from parlant_supabase.transfer.sources.parlant_layout import (
    STORES_BY_NAME,
    failure_of,
    metadata_first,
)

if TYPE_CHECKING:
    from pymongo import MongoClient

_TIMEOUT_OPTION = "serverSelectionTimeoutMS"
_TIMEOUT_MS = 10_000
_FAILED = "_failed_migrations"


class MongoDB:
    """Reads the databases parlant_sessions, parlant_customers and parlant_context_variables.

    Args:
        client: A connection to the server.

    Raises:
        SourceError: The server cannot be read, or has none of them.
    """

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self._client = client
        self.parts: Sequence[Part] = ()
        self.notes: list[str] = []
        with _errors_in_a_sentence():
            there = set(client.list_database_names())
            self._stores = [store for store in STORES_BY_NAME if f"parlant_{store}" in there]
            self.total: int | None = sum(
                client[f"parlant_{store}"][name].estimated_document_count()
                for store in self._stores
                for name in self._collections(store)
            )
        if not self._stores:
            raise SourceError(
                "The MongoDB server has none of the databases parlant_sessions, parlant_customers "
                "and parlant_context_variables, which Parlant keeps its stores in."
            )

    async def records(self) -> AsyncIterator[Record]:
        """The documents, store by store and collection by collection, without their `_id`.

        Raises:
            SourceError: The server cannot be read.
        """
        for store in self._stores:
            for name, (collection, is_failed) in metadata_first(self._collections(store)):
                part = Part(STORES_BY_NAME[store].table_prefix, collection, is_failed)
                with _errors_in_a_sentence():
                    for document in self._client[f"parlant_{store}"][name].find({}):
                        del document["_id"]
                        failure = failure_of(document) if is_failed else None
                        yield Record(part, document, failure=failure)

    def _collections(self, store: str) -> dict[str, tuple[str, bool]]:
        """Of each collection of a store its name here, and whether it is of failed documents."""
        database = f"parlant_{store}"
        names = {}
        for name in self._client[database].list_collection_names():
            if name.startswith(f"{database}_") and name.endswith(_FAILED):
                names[name] = (name[len(database) + 1 : -len(_FAILED)], True)
            elif not name.startswith("system."):
                names[name] = (name, False)
        return names


def connect(url: str) -> MongoClient[dict[str, Any]]:
    """A connection to a MongoDB server.

    Raises:
        SourceError: pymongo is not installed, or the URL is none of a server.
    """
    try:
        from pymongo import MongoClient
    except ImportError:
        raise SourceError(
            "MongoDB is read with pymongo, which is not installed: run "
            f"`{remedies.install('mongodb')}`."
        ) from None
    timeout: dict[str, Any] = (
        {} if _TIMEOUT_OPTION.lower() in url.lower() else {_TIMEOUT_OPTION: _TIMEOUT_MS}
    )
    with _errors_in_a_sentence():
        return MongoClient(url, appname="parlant-supabase", **timeout)


@contextmanager
def _errors_in_a_sentence() -> Iterator[None]:
    from pymongo.errors import PyMongoError

    try:
        yield
    except PyMongoError as error:
        # Of the message the beginning: what follows describes the topology.
        reason = str(error).partition(", Timeout:")[0]
        raise SourceError(f"MongoDB cannot be read: {reason}.") from None
