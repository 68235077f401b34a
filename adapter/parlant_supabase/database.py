"""Parlant's document database on Supabase."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import TracebackType
from typing import Any

from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.persistence.document_database import DocumentDatabase, TDocument
from parlant.core.tracer import Tracer
from typing_extensions import Self, override

from parlant_supabase import remedies
from parlant_supabase.collection import SupabaseDocumentCollection
from parlant_supabase.connection import Connection
from parlant_supabase.conversion import Loader
from parlant_supabase.errors import ConfigurationError, VersionMismatchError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import (
    CREATE_COLLECTION,
    DELETE_COLLECTION,
    GET_COLLECTION,
    GET_OR_CREATE_COLLECTION,
    GET_VERSION,
)
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.rpc.transport import SupabaseClient
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.store_layout import DEFAULT_PREFIX
from parlant_supabase.validation import check_prefix, check_seconds, check_type
from parlant_supabase.versions import SQL_VERSION


class SupabaseDocumentDatabase(DocumentDatabase):
    """Keeps the documents of one Parlant store in a Supabase project.

    Give every store a database, and with it a table prefix, of its own: each keeps its version in a
    collection called `metadata`. Use it with `async with`, around the store:

        async with SupabaseDocumentDatabase(logger, table_prefix="parlant_sessions_") as database:
            async with SessionDocumentStore(database, allow_migration=True) as sessions:
                ...

    Args:
        logger: Parlant's logger; it hears of migrated and failed documents, repeated attempts, slow
            calls and lost outcomes, and never what is in a document.
        connection_params: `url`, `key` and `schema` of the project; what is missing is taken from
            SUPABASE_URL, SUPABASE_KEY and SUPABASE_SCHEMA (by default `public`).
        table_prefix: What the names of the store's tables begin with; by default `parlant_`.
        client: A `supabase.AsyncClient` of the caller's, used instead of one made from the
            connection parameters, with the schema that it was made with, and left open.
        timeout: Seconds that one call may take. What failed and can be repeated without harm is
            repeated within that time.
        tracer: Parlant's tracer; gets an event for every call, in the span of the caller.
        meter: Parlant's meter; measures calls, requests, batches and repeated attempts.
        slow_call_seconds: How long a call may take before the logger hears of it.
        refuse_unstorable: Whether a document or filter with characters or numbers that cannot be
            stored (U+0000, halves of surrogate pairs, NaN, infinities, integers of thousands of
            digits) raises `UnstorableValueError`. By default they are replaced, by U+FFFD and null,
            with a warning that names the field, so that nothing a customer or a tool sends ends
            a conversation.

    Raises:
        ConfigurationError: A setting is missing or an argument cannot be right.
    """

    def __init__(
        self,
        logger: Logger,
        connection_params: Mapping[str, Any] | None = None,
        *,
        table_prefix: str | None = None,
        client: SupabaseClient | None = None,
        timeout: float = 60.0,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
        slow_call_seconds: float = 1.0,
        refuse_unstorable: bool = False,
    ) -> None:
        if client is not None and connection_params is not None:
            raise ConfigurationError(
                "pass either connection_params or a client; a client has its URL, key and schema."
            )
        if client is not None:
            check_type("client", client, SupabaseClient, "Make it with supabase.acreate_client.")
        if table_prefix is not None:
            check_prefix("table_prefix", table_prefix)
        check_seconds("timeout", timeout)
        settings = None if client is not None else ConnectionSettings.resolve(connection_params)
        observer = Observer(logger, tracer, meter, slow_call_seconds)
        self._connection = Connection(
            RpcClient(
                settings, client, timeout, observer, replace_unstorable=not refuse_unstorable
            ),
            DEFAULT_PREFIX if table_prefix is None else table_prefix,
            observer,
        )
        self._is_shared = False

    def with_prefix(self, table_prefix: str) -> SupabaseDocumentDatabase:
        """A database under another prefix, for another store, with this one's connections.

        It is open as long as this one is, and needs no `async with` of its own.

        Args:
            table_prefix: What the names of the other store's tables begin with.

        Raises:
            ConfigurationError: The prefix cannot be right.
        """
        check_prefix("table_prefix", table_prefix)
        other = copy(self)
        other._connection = Connection(
            self._connection.rpc, table_prefix, self._connection.observer
        )
        other._is_shared = True
        return other

    async def __aenter__(self) -> Self:
        if self._is_shared:
            return self
        rpc = self._connection.rpc
        await rpc.__aenter__()
        try:
            await _check_deployed_version(rpc)
        except BaseException as error:
            await rpc.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_shared:
            return
        await self._connection.rpc.__aexit__(exc_type, exc_value, traceback)

    @override
    async def create_collection(
        self, name: str, schema: type[TDocument]
    ) -> SupabaseDocumentCollection[TDocument]:
        """A new, empty collection.

        Raises:
            CollectionExistsError: It exists; its documents are left alone.
        """
        await self._connection.call_collection(CREATE_COLLECTION, name)
        return self._connection.collection(name, schema)

    @override
    async def get_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection that exists, its documents brought to the store's version.

        Raises:
            CollectionNotFoundError: It does not exist.
        """
        return await self._connection.open_collection(GET_COLLECTION, name, schema, document_loader)

    @override
    async def get_or_create_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection, created if need be, its documents brought to the store's version.

        Documents that the loader rejects move to the table `<table>_failed_migrations`; those on
        which it raises stay, and are copied there.

        Raises:
            InvalidTableNameError: Prefix and name give no usable table name.
            TableNotOursError: A table of that name exists and holds something else.
        """
        return await self._connection.open_collection(
            GET_OR_CREATE_COLLECTION, name, schema, document_loader
        )

    @override
    async def delete_collection(self, name: str) -> None:
        """Deletes a collection with its documents; its table of failed documents stays.

        Raises:
            CollectionNotFoundError: It does not exist.
        """
        await self._connection.call_collection(DELETE_COLLECTION, name)


def connection_of(database: SupabaseDocumentDatabase) -> Connection:
    """What the stores of this package call the database's functions with."""
    return database._connection


async def _check_deployed_version(rpc: RpcClient) -> None:
    deployed = await rpc.call(GET_VERSION, {}, "opening the database")
    if deployed["sql_version"] < SQL_VERSION:
        raise VersionMismatchError(
            f"opening the database: the deployed SQL has version {deployed['sql_version']}, "
            f"this adapter needs {SQL_VERSION}. Run `{remedies.deploy()}` in your Supabase "
            "project's folder."
        )
    if deployed["compatible_since"] > SQL_VERSION:
        raise VersionMismatchError(
            f"opening the database: the deployed SQL serves adapters from SQL version "
            f"{deployed['compatible_since']} on, this one has {SQL_VERSION}. {remedies.upgrade()}"
        )
