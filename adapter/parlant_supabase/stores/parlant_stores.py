"""What Parlant's three persistable stores ask of a document database, by opening them on one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.document_database import CollectionIndex, TDocument
from parlant.core.sessions import SessionDocumentStore
from typing_extensions import override

from parlant_supabase.conversion import Loader
from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS, StoreLayout


@dataclass(frozen=True)
class ParlantStore:
    """One of Parlant's stores.

    Attributes:
        layout: Where its documents are kept here.
        name: The name of its class.
        version: The version of its documents.
        loaders: By collection, what converts its documents to that version.
        indexes: By collection, the indexes that it asks for.
    """

    layout: StoreLayout
    name: str
    version: str
    loaders: Mapping[str, Loader]
    indexes: Mapping[str, Sequence[CollectionIndex]]


async def parlant_stores() -> list[ParlantStore]:
    """The stores for sessions, customers and context variables of the installed Parlant."""
    stores = []
    for layout, make in (
        (SESSIONS, SessionDocumentStore),
        (CUSTOMERS, lambda database: CustomerDocumentStore(IdGenerator(), database)),
        (CONTEXT_VARIABLES, lambda database: ContextVariableDocumentStore(IdGenerator(), database)),
    ):
        database = _RecordingDatabase()
        async with make(database) as store:
            stores.append(
                ParlantStore(
                    layout,
                    type(store).__name__,
                    store.VERSION.to_string(),
                    database.loaders,
                    database.indexes,
                )
            )
    return stores


class _RecordingDatabase(TransientDocumentDatabase):
    """Remembers the loaders of its collections and the indexes that they are to have."""

    def __init__(self) -> None:
        super().__init__()
        self.loaders: dict[str, Loader] = {}
        self.indexes: dict[str, list[CollectionIndex]] = {}

    @override
    async def get_or_create_collection(
        self, name: str, schema: type[TDocument], document_loader: Loader
    ) -> Any:
        self.loaders[name] = document_loader
        requested = self.indexes.setdefault(name, [])
        collection: Any = await super().get_or_create_collection(name, schema, document_loader)

        async def ensure_indexes(indexes: Sequence[CollectionIndex]) -> None:
            requested.extend(indexes)

        collection.ensure_indexes = ensure_indexes
        return collection
