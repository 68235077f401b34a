"""Reads the documents that have a value in one field, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from parlant.core.persistence.common import Cursor

from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import FIND
from parlant_supabase.rpc.pagination import next_cursor, page_arguments
from parlant_supabase.transfer.records import Part

# So many documents of 1 MB, the largest that are usual, are within what one reply may hold.
_PAGE_DOCUMENTS = 100


async def find_documents(
    rpc: RpcClient, part: Part, field: str, value: str, after: Cursor | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Yields the documents of a part that have a value in a field, by (creation_utc, id).

    Args:
        rpc: An open connection to the project.
        part: Where they are.
        field: A top-level field.
        value: Its value.
        after: Only documents strictly after it.

    Raises:
        SupabaseAdapterError: The project cannot be read.
    """
    cursor = after
    while True:
        reply = await rpc.call(
            FIND,
            {
                "p_prefix": part.prefix,
                "p_collection": part.collection,
                "p_filters": {field: {"$eq": value}},
                **page_arguments(_PAGE_DOCUMENTS, cursor, None),
            },
            f"reading {part}",
        )
        for document in reply["items"]:
            yield document
        cursor = next_cursor(reply)
        if cursor is None:
            return
