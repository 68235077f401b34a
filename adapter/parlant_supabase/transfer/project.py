"""The collections of a project, read and written by the page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from parlant_supabase.errors import CollectionExistsError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import (
    ADOPT_COLLECTIONS,
    COPY_UNREADABLE_DOCUMENTS,
    COUNT_DOCUMENTS,
    CREATE_COLLECTION,
    EXPORT_DOCUMENTS,
    IMPORT_DOCUMENTS,
    IMPORT_FAILED_DOCUMENTS,
    LIST_FAILED_DOCUMENTS,
    Function,
    Reply,
)
from parlant_supabase.rpc.replies import ExportPosition
from parlant_supabase.store_layout import METADATA
from parlant_supabase.transfer.errors import TransferError
from parlant_supabase.transfer.records import Failure, Part, Record

# As many as the database takes in a call.
_MOST_COPIED_AT_ONCE = 500


@dataclass(frozen=True)
class Saved:
    """What became of a batch of documents.

    Attributes:
        inserted: How many are new.
        unchanged: How many were there, exactly as they are.
        replaced: How many took the place of a different one.
        different: The ids of those that were not written because a different one has their id.
    """

    inserted: int
    unchanged: int
    replaced: int = 0
    different: Sequence[str] = ()


class Project:
    """A Supabase project as a place to move documents from and to.

    Its methods raise `SupabaseAdapterError`.

    Args:
        rpc: An open connection to the project.
    """

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    async def parts(self, prefix: str = "", *, need_all: bool = True) -> dict[Part, int]:
        """Every part under prefixes that begin so, and about how many documents are in it.

        Args:
            prefix: What the prefixes begin with.
            need_all: Whether to fail if the table of one is missing, and not to leave it out.

        Raises:
            TransferError: A table is missing.
        """
        reply = await self._rpc.call(
            COUNT_DOCUMENTS,
            {"p_prefix": prefix, "p_exact": False},
            "looking at the collections",
        )
        parts = {}
        for each in reply["collections"]:
            for is_failed, table, count in (
                (False, each["table"], each["documents"]),
                (True, each["failed_table"], each["failed"]),
            ):
                if count is not None:
                    parts[Part(each["prefix"], each["collection"], is_failed)] = count
                elif need_all:
                    raise TransferError(
                        f"The table {table} is missing; `parlant-supabase doctor` says what to do "
                        "about it."
                    )
        # The metadata of a store first, and events before the sessions that they belong to: one
        # that begins meanwhile comes without its first events, rather than they without it.
        return dict(sorted(parts.items(), key=lambda item: _order(item[0])))

    async def counts(self, prefix: str) -> dict[Part, int]:
        """How many documents are in the parts under prefixes that begin so, all at one moment."""
        reply = await self._rpc.call(
            COUNT_DOCUMENTS, {"p_prefix": prefix}, "counting the documents"
        )
        return {
            Part(each["prefix"], each["collection"], is_failed): count
            for each in reply["collections"]
            for is_failed, count in ((False, each["documents"]), (True, each["failed"]))
            if count is not None
        }

    async def create(self, part: Part) -> None:
        """Makes the tables of a collection, if they are not there."""
        with suppress(CollectionExistsError):
            await self._call(CREATE_COLLECTION, part)

    async def adopt(self, prefix: str, collections: Sequence[str]) -> list[str]:
        """Those of the collections whose tables are there, made by hand or by parlant-supabase."""
        reply = await self._rpc.call(
            ADOPT_COLLECTIONS,
            {"p_prefix": prefix, "p_collections": collections},
            f"adopting the tables under the prefix {prefix!r}",
        )
        return reply["collections"]

    async def pages(self, part: Part) -> AsyncIterator[list[Record]]:
        """The documents of a part in order of insertion, page by page."""
        after: Any = None
        while True:
            records, after = (
                await self._failed_page(part, after)
                if part.is_failed
                else await self._page(part, after)
            )
            yield records
            if after is None:
                return

    async def _page(
        self, part: Part, after: ExportPosition | None
    ) -> tuple[list[Record], ExportPosition | None]:
        reply = await self._call(EXPORT_DOCUMENTS, part, p_after=after)
        records = [Record(part, json.loads(text), text) for text in reply["documents"]]
        return records, reply["next"]

    async def _failed_page(self, part: Part, after: int | None) -> tuple[list[Record], int | None]:
        reply = await self._call(LIST_FAILED_DOCUMENTS, part, p_after=after, p_with_data=True)
        records = [
            Record(part, each["data"], None, Failure(each["id"], each["reason"], each["failed_at"]))
            for each in reply["documents"]
        ]
        return records, reply["next"]

    async def save(self, part: Part, documents: Sequence[Any], *, replace: bool) -> Saved:
        """Inserts documents, all or none; those that are there, exactly as they are, stay.

        Args:
            part: Where they belong.
            documents: What `Record.encode` gives.
            replace: Whether they take the place of different ones of their ids.
        """
        if part.is_failed:
            failed = await self._call(IMPORT_FAILED_DOCUMENTS, part, p_documents=documents)
            return Saved(**failed)
        reply = await self._call(IMPORT_DOCUMENTS, part, p_documents=documents, p_replace=replace)
        return Saved(**reply)

    async def copy_unreadable(self, part: Part, reasons: Mapping[str, str]) -> None:
        """Copies documents to the failed ones, except those that have a copy.

        Args:
            part: Where they are.
            reasons: Why each cannot be read, by its id.
        """
        documents = [{"id": id, "reason": reason} for id, reason in reasons.items()]
        for start in range(0, len(documents), _MOST_COPIED_AT_ONCE):
            await self._call(
                COPY_UNREADABLE_DOCUMENTS,
                part,
                p_documents=documents[start : start + _MOST_COPIED_AT_ONCE],
            )

    async def _call(self, function: Function[Reply], part: Part, **arguments: Any) -> Reply:
        return await self._rpc.call(
            function,
            {"p_prefix": part.prefix, "p_collection": part.collection, **arguments},
            f"{function.operation} of collection {part.collection!r} (prefix {part.prefix!r})",
        )


def _order(part: Part) -> tuple[str, bool, str, bool]:
    return part.prefix, part.collection != METADATA, part.collection, part.is_failed
