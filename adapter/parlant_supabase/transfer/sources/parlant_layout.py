"""What Parlant's own storages have in common: names of stores, and their failed documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from parlant_supabase.transfer.records import METADATA, Failure

_T = TypeVar("_T")

PREFIX_OF_STORE = {
    "sessions": "parlant_sessions_",
    "customers": "parlant_customers_",
    "context_variables": "parlant_context_variables_",
}
"""By the name of a store in Parlant's files and databases, the prefix of its tables here."""

PREFIX_OF_COLLECTION = {
    "sessions": "parlant_sessions_",
    "customers": "parlant_customers_",
    "variables": "parlant_context_variables_",
}
"""By a collection that no other store has, the same."""


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
