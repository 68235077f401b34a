"""What Parlant's own storages have in common: names of stores, and their failed documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from parlant_supabase.store_layout import METADATA, STORES
from parlant_supabase.transfer.records import Failure

_T = TypeVar("_T")

STORES_BY_NAME = {store.name: store for store in STORES}
"""Maps the name that a store has in Parlant's files and databases to the store."""


def metadata_first(collections: Mapping[str, _T]) -> Iterable[tuple[str, _T]]:
    """A store's collections, that with its version before the others."""
    return sorted(collections.items(), key=lambda item: item[0] != METADATA)


def failure_of(document: Mapping[str, object]) -> Failure:
    """What is known of a document that failed: Parlant keeps no reason."""
    id = document.get("id")
    return Failure(id if isinstance(id, str) else None, "unknown")


def collection_of_failed(store: str, document: Mapping[str, object]) -> str:
    """The collection of a document that failed, by its fields.

    Parlant's JSON files keep the failed documents of all collections of a store in one.
    """
    if store == "sessions":
        return "events" if "session_id" in document else "sessions"
    if store == "customers":
        return "customer_tag_associations" if "tag_id" in document else "customers"
    if "tag_id" in document:
        return "variable_tag_associations"
    return "values" if "variable_id" in document else "variables"
