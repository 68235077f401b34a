"""In which order documents are found, said once more in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parlant.core.persistence.common import Cursor, SortDirection

from tests.adapter.filter_model import kind

Document = Mapping[str, Any]


def place(document: Document) -> tuple[str, str]:
    """Where a document stands among those that find() returns."""
    creation_utc = document.get("creation_utc")
    return creation_utc if isinstance(creation_utc, str) else "", document["id"]


def listed(documents: Sequence[Document], direction: SortDirection | None) -> list[Document]:
    """The documents in the order of find()."""
    return sorted(documents, key=place, reverse=direction is SortDirection.DESC)


def after(
    documents: Sequence[Document], cursor: Cursor | None, direction: SortDirection | None
) -> list[Document]:
    """Those that come strictly after the cursor, in the order of find()."""
    found = listed(documents, direction)
    if cursor is None:
        return found
    position = (cursor.creation_utc, cursor.id)
    if direction is SortDirection.DESC:
        return [document for document in found if place(document) < position]
    return [document for document in found if place(document) > position]


def is_decided(documents: Sequence[Document], sort: Sequence[tuple[str, SortDirection]]) -> bool:
    """Whether the sort is of scalars of one type in each field, beside missing ones and null."""
    kinds = [{kind(document.get(field)) for document in documents} - {"null"} for field, _ in sort]
    return all(len(found) <= 1 and found <= {"string", "number", "bool"} for found in kinds)


def first(
    documents: Sequence[Document], sort: Sequence[tuple[str, SortDirection]]
) -> Document | None:
    """The one that find_one() returns of documents in the order of their insertion.

    Missing fields and null come first, which Python would not compare with anything.
    """
    found = list(documents)
    for field, direction in reversed(sort):
        found.sort(
            key=lambda document: _sort_key(document.get(field)),
            reverse=direction is SortDirection.DESC,
        )
    return found[0] if found else None


def _sort_key(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)
