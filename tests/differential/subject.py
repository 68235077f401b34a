"""The collection under test, for tests that try it with many examples in turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypedDict, TypeVar, cast

import psycopg
from parlant.core.loggers import Logger
from parlant.core.persistence.common import ObjectId, Where
from parlant.core.persistence.document_database import (
    BaseDocument,
    DocumentCollection,
    identity_loader,
)
from parlant_supabase import SupabaseAdapterError, SupabaseDocumentDatabase
from parlant_supabase.collection import SupabaseDocumentCollection
from parlant_supabase.database import connection_of
from parlant_supabase.local.database import SupervisedDatabase
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.encoding import encode_arguments, encode_document
from parlant_supabase.rpc.error_mapping import translate
from parlant_supabase.rpc.functions import EXECUTE, Function, Reply

T = TypeVar("T")
JSONObject = Mapping[str, Any]

PREFIX = "differential_"
NAME = "subjects"


class _IdAlone(TypedDict):
    id: ObjectId


SCHEMA = cast("type[BaseDocument]", _IdAlone)
"""Requires no more of a document than its id."""


@dataclass(frozen=True)
class Installation:
    """The package, deployed to a schema of a database."""

    database: SupervisedDatabase
    schema: str

    @property
    def connection_params(self) -> dict[str, str]:
        return {
            "url": self.database.url,
            "key": self.database.service_role_key,
            "schema": self.schema,
        }


class _OneRequest:
    """Sends calls that are made at once as one request, in their order."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._calls: list[tuple[Function[Any], JSONObject, str, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def call(self, function: Function[Reply], params: JSONObject, subject: str) -> Reply:
        """What RpcClient.call() returns or raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        self._calls.append((function, encode_arguments(params), subject, answer))
        if len(self._calls) == 1:
            # It begins when all that are made at once have come here.
            self._sending = loop.create_task(self._send())
        return await answer

    async def _send(self) -> None:
        calls, self._calls = self._calls, []
        # Only those that follow each other, as sequences rely on their order.
        p_calls = [
            {
                "function": function.operation,
                "arguments": [params for _, params, _, _ in alike],
            }
            for (function, *_), alike in groupby(calls, lambda call: (call[0], *call[1]))
        ]
        try:
            reply = await self._rpc.call(EXECUTE, {"p_calls": p_calls}, "a request")
        except SupabaseAdapterError as error:
            for *_, answer in calls:
                answer.set_exception(error)
            return
        for (function, _, subject, answer), result in zip(calls, reply["results"], strict=True):
            if "reply" in result:
                answer.set_result(result["reply"])
            else:
                answer.set_exception(translate(function, subject, **result["error"]))


class Subject:
    """A collection that can be emptied behind its back, and called without `await`.

    Attributes:
        collection: Sends every call as a request of its own.
        in_one_request: The same, but calls that are made at once are one request.
    """

    def __init__(
        self,
        collection: DocumentCollection[BaseDocument],
        in_one_request: DocumentCollection[BaseDocument],
        loop: asyncio.AbstractEventLoop,
        connection: psycopg.Connection,
        table: str,
    ) -> None:
        self.collection = collection
        self.in_one_request = in_one_request
        self._loop = loop
        self._connection = connection
        self._table = table

    def wait_for(self, call: Coroutine[Any, Any, T]) -> T:
        """What the call returns."""
        return self._loop.run_until_complete(call)

    def wait_for_all(self, calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """What the calls return; they are made at once."""

        async def gather() -> list[T]:
            return await asyncio.gather(*calls)

        return self.wait_for(gather())

    def outcomes(self, calls: Iterable[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
        """What the calls return or raise; they are made at once."""

        async def gather() -> list[T | BaseException]:
            return await asyncio.gather(*calls, return_exceptions=True)

        return self.wait_for(gather())

    def insert(self, documents: Iterable[JSONObject]) -> None:
        """Makes these the collection's documents, by calls at once."""
        self.empty()
        self.wait_for_all(
            self.collection.insert_one(cast("BaseDocument", document)) for document in documents
        )

    def hold(self, documents: Iterable[JSONObject]) -> None:
        """Makes these the collection's documents, in this order, in a fraction of the time."""
        self.empty()
        self._connection.execute(
            f"insert into {self._table} (data)"  # noqa: S608
            " select document::jsonb"
            " from unnest(%s::text[]) with ordinality as _ (document, place) order by place",
            ([_sent(document) for document in documents],),
        )

    def empty(self) -> None:
        self._connection.execute(f"delete from {self._table}")  # noqa: S608

    def ids(self, filters: Iterable[Any]) -> list[set[str]]:
        """For each filter the ids of the documents that match."""
        results = self.wait_for_all(
            self.in_one_request.find(cast("Where", where)) for where in filters
        )
        return [{document["id"] for document in result} for result in results]


def _sent(document: JSONObject) -> str:
    """The document as insert_one sends it."""
    encoded = encode_document(document)
    return encoded if isinstance(encoded, str) else json.dumps(encoded)


@contextmanager
def open_subject(
    installation: Installation, loop: asyncio.AbstractEventLoop, logger: Logger
) -> Iterator[Subject]:
    """The empty collection of an installation; it is there until the block ends."""
    database = SupabaseDocumentDatabase(logger, installation.connection_params, table_prefix=PREFIX)
    loop.run_until_complete(database.__aenter__())
    try:
        collection = loop.run_until_complete(
            database.get_or_create_collection(NAME, SCHEMA, identity_loader)
        )
        in_one_request = SupabaseDocumentCollection(
            cast("RpcClient", _OneRequest(connection_of(database).rpc)), PREFIX, NAME, SCHEMA
        )
        with psycopg.connect(installation.database.database_url, autocommit=True) as connection:
            table = f'"{installation.schema}".{PREFIX}{NAME}'
            yield Subject(collection, in_one_request, loop, connection, table)
        loop.run_until_complete(database.delete_collection(NAME))
    finally:
        loop.run_until_complete(database.__aexit__(None, None, None))
