"""Tells which documents the installed Parlant is going to leave out, before it is started."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

from parlant.core.persistence.document_database import BaseDocument

from parlant_supabase.conversion import convert
from parlant_supabase.store_layout import METADATA
from parlant_supabase.stores.parlant_stores import ParlantStore
from parlant_supabase.stores.reading import objection_to
from parlant_supabase.transfer.records import Part


class Readability:
    """What the stores for sessions, customers and context variables make of documents.

    Args:
        stores: The installed Parlant's.
        parts: The parts of the source that are known before it is read; none if it is a source of
            Parlant's own, which has nothing but these stores.
    """

    def __init__(self, stores: Sequence[ParlantStore], parts: Sequence[Part]) -> None:
        self._stores = {
            collection: store
            for store in stores
            for collection in store.loaders.keys() - {METADATA}
        }
        self._parts = set(parts)

    async def objection(self, part: Part, document: dict[str, Any]) -> str | None:
        """Why a document is going to be left out of lists; None if it can be read."""
        store = self._stores.get(part.collection)
        if store is None or part.is_failed or not self._is_of(store, part):
            return None
        try:
            if document.get("version") != store.version:
                # A loader may change what it is given.
                loader = store.loaders[part.collection]
                converted = await convert(loader, cast(BaseDocument, deepcopy(document)))
                if not converted:
                    return "rejected"
                document = converted
        except Exception as error:
            # A loader may raise whatever it likes.
            return f"raised: {type(error).__name__}: {error}"
        objection = objection_to(part.collection, document)
        return None if objection is None else f"raised: {objection}"

    def _is_of(self, store: ParlantStore, part: Part) -> bool:
        """Whether a part is the store's, and not a collection of the same name of another one."""
        return not self._parts or all(
            Part(part.prefix, collection) in self._parts
            for collection in store.loaders.keys() - {METADATA}
        )
