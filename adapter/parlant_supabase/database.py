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

from parlant_supabase.collection import SupabaseDocumentCollection
from parlant_supabase.document_migration import (
    Loader,
    load_documents,
    log_report,
    store_of,
    version_of,
)
from parlant_supabase.errors import ConfigurationError, VersionMismatchError
from parlant_supabase.rpc.encoding import encode_arguments
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.rpc.transport import SupabaseClient, Transport
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.validation import check_prefix, check_seconds, check_type
from parlant_supabase.versions import SQL_VERSION

DEFAULT_TABLE_PREFIX = "parlant_"


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
        self._observer = Observer(logger, tracer, meter, slow_call_seconds)
        self._prefix = DEFAULT_TABLE_PREFIX if table_prefix is None else table_prefix
        self._transport = Transport(settings, client, timeout, self._observer)
        self._is_shared = False
        self._store: object | None = None

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
        other._prefix = table_prefix
        other._is_shared = True
        other._store = None
        return other

    async def __aenter__(self) -> Self:
        if self._is_shared:
            return self
        await self._transport.__aenter__()
        try:
            await self._check_deployed_version()
        except BaseException as error:
            await self._transport.__aexit__(type(error), error, error.__traceback__)
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
        await self._transport.__aexit__(exc_type, exc_value, traceback)

    @override
    async def create_collection(
        self, name: str, schema: type[TDocument]
    ) -> SupabaseDocumentCollection[TDocument]:
        """A new, empty collection.

        Raises:
            CollectionExistsError: It exists; its documents are left alone.
        """
        await self._call(name, "create_collection")
        return self._collection(name, schema)

    @override
    async def get_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection that exists, its documents brought to the store's version.

        Raises:
            CollectionNotFoundError: It does not exist.
        """
        return await self._open("get_collection", name, schema, document_loader)

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
        return await self._open("get_or_create_collection", name, schema, document_loader)

    @override
    async def delete_collection(self, name: str) -> None:
        """Deletes a collection with its documents; its table of failed documents stays.

        Raises:
            CollectionNotFoundError: It does not exist.
        """
        await self._call(name, "delete_collection")

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The reply of the SQL function `parlant_<operation>`, for the documents kept here.

        Args:
            operation: The function's name without `parlant_`.
            arguments: Its arguments but for `p_prefix`; those that are None keep their defaults.

        Raises:
            UnstorableValueError: An argument holds what JSON cannot.
            SupabaseAdapterError: The call failed; the class says how.
        """
        return await self._transport.call(
            f"parlant_{operation}",
            {"p_prefix": self._prefix, **encode_arguments(arguments)},
            f"{operation} (prefix {self._prefix!r})",
        )

    def join(self, logger: Logger, tracer: Tracer, meter: Meter) -> None:
        """Uses a server's logger, tracer and meter, where none was given to the constructor.

        Databases that share connections join together.
        """
        self._observer.join(logger, tracer, meter)

    async def load_collection(
        self, name: str, schema: type[TDocument], loader: Loader, opened: dict[str, Any]
    ) -> SupabaseDocumentCollection[TDocument]:
        """A collection that has been opened, its documents brought to the store's version.

        Args:
            name: The collection's name.
            schema: The type of its documents.
            loader: The store's loader.
            opened: What the SQL function that opened the collection replied.
        """
        self._check_one_store(loader)

        async def call(operation: str, **params: Any) -> dict[str, Any]:
            return await self._call(name, operation, **params)

        report = await load_documents(call, opened, loader)
        log_report(self._observer.logger, name, opened["failed_table"], report)
        return self._collection(name, schema)

    async def _open(
        self, operation: str, name: str, schema: type[TDocument], loader: Loader
    ) -> SupabaseDocumentCollection[TDocument]:
        self._check_one_store(loader)
        opened = await self._call(name, operation, p_version=version_of(loader))
        return await self.load_collection(name, schema, loader, opened)

    def _check_one_store(self, loader: Loader) -> None:
        store = store_of(loader)
        if store is None:
            return
        if self._store is not None and type(store) is not type(self._store):
            raise ConfigurationError(
                f"{type(self._store).__name__} and {type(store).__name__} were given the same "
                f"database (prefix {self._prefix!r}). Give each store a SupabaseDocumentDatabase "
                "with a table_prefix of its own."
            )
        self._store = store

    async def _check_deployed_version(self) -> None:
        deployed = await self._transport.call("parlant_get_version", {}, "opening the database")
        if deployed["sql_version"] < SQL_VERSION:
            raise VersionMismatchError(
                f"opening the database: the deployed SQL has version {deployed['sql_version']}, "
                f"this adapter needs {SQL_VERSION}. Run `supabase db push` with the migrations of "
                "the installed parlant-supabase."
            )
        if deployed["compatible_since"] > SQL_VERSION:
            raise VersionMismatchError(
                f"opening the database: the deployed SQL serves adapters from SQL version "
                f"{deployed['compatible_since']} on, this one has {SQL_VERSION}. "
                "Run `pip install --upgrade parlant-supabase`."
            )

    def _collection(
        self, name: str, schema: type[TDocument]
    ) -> SupabaseDocumentCollection[TDocument]:
        return SupabaseDocumentCollection(self._transport, self._prefix, name, schema)

    async def _call(self, name: str, operation: str, **params: Any) -> dict[str, Any]:
        return await self._transport.call(
            f"parlant_{operation}",
            {"p_prefix": self._prefix, "p_collection": name, **params},
            f"{operation} of collection {name!r} (prefix {self._prefix!r})",
        )
