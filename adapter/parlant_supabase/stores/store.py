"""What the three stores share: their connection, how they open, and that they take no locks."""

from __future__ import annotations

from parlant.core.common import Version
from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.persistence.document_database import BaseDocument, DocumentCollection
from parlant.core.tracer import Tracer
from typing_extensions import Self

from parlant_supabase.database import SupabaseDocumentDatabase, connection_of
from parlant_supabase.parlant_internals import check_parlant, remove_lock
from parlant_supabase.store_layout import StoreLayout
from parlant_supabase.stores.opening import StoreDatabase


class SupabaseStore:
    """Base of the three stores, before Parlant's own store in the order of bases.

    Args:
        layout: Which store it is.
        database: Where the store's documents are.
    """

    VERSION: Version

    def __init__(self, layout: StoreLayout, database: SupabaseDocumentDatabase) -> None:
        self._layout = layout
        self._supabase = database
        self._connection = connection_of(database)
        self._opening = StoreDatabase(database)

    async def __aenter__(self) -> Self:
        """Opens the store as Parlant's own is opened, with one request for all its collections.

        Raises:
            MigrationRequired: Documents are of an older version, and may not be migrated.
            ServerOutdated: Documents are of a newer version of Parlant than the one that runs.
            VersionMismatchError: The installed Parlant lacks something that the stores need.
        """
        check_parlant(self)
        remove_lock(self)
        async with self._opening.opening(self._layout.collections, self.VERSION):
            await super().__aenter__()  # type: ignore[misc]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: object | None,
    ) -> None:
        """Closes the store once the copies of documents that it could not read are made."""
        await self._connection.failed_copies.finish()
        await super().__aexit__(exc_type, exc_value, traceback)  # type: ignore[misc]

    def _collection(self, name: str) -> DocumentCollection[BaseDocument]:
        """A collection of the store; nothing is sent."""
        return self._connection.collection(name, BaseDocument)

    def _join(self, logger: Logger, tracer: Tracer, meter: Meter) -> None:
        """Uses a server's logger, tracer and meter, where the database was given none."""
        self._connection.observer.join(logger, tracer, meter)
