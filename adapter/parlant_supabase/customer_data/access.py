"""Reads all that is stored of a customer, for an access request."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import BinaryIO

from parlant_supabase.customer_data.documents import find_documents
from parlant_supabase.customer_data.page import page_of
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import LIST_CUSTOMER_FAILED_DOCUMENTS
from parlant_supabase.store_layout import StorePrefixes
from parlant_supabase.transfer.archive import ArchiveWriter
from parlant_supabase.transfer.records import Failure, Part, Record


class CustomerAccess:
    """Reads a customer's documents: the same set that an erasure deletes.

    Its methods raise `SupabaseAdapterError`.

    Args:
        rpc: An open connection to the project.
        prefixes: The table prefixes of the agent's stores.
        customer_id: The customer's id.
    """

    def __init__(self, rpc: RpcClient, prefixes: StorePrefixes, customer_id: str) -> None:
        self._rpc = rpc
        self._prefixes = prefixes
        self.customer_id = customer_id

    @property
    def parts(self) -> list[Part]:
        """Where a customer's documents are, in the order in which `records` yields them."""
        documents = [
            Part(self._prefixes.customers, "customers"),
            Part(self._prefixes.customers, "customer_tag_associations"),
            Part(self._prefixes.context_variables, "values"),
            Part(self._prefixes.sessions, "sessions"),
            Part(self._prefixes.sessions, "events"),
        ]
        return [*documents, *(part._replace(is_failed=True) for part in documents)]

    async def records(self) -> AsyncIterator[Record]:
        """All documents of the customer, then the failed copies of some of them."""
        customers, tags, values, sessions, events = self.parts[:5]
        for part, field in (
            (customers, "id"),
            (tags, "customer_id"),
            (values, "key"),
            (sessions, "customer_id"),
        ):
            async for document in find_documents(self._rpc, part, field, self.customer_id):
                yield Record(part, document)
        async for session in self._sessions():
            async for event in find_documents(self._rpc, events, "session_id", session):
                yield Record(events, event)
        for part in self.parts[5:]:
            async for record in self._failed(part):
                yield record

    async def _sessions(self) -> AsyncIterator[str]:
        """Ids of the customer's sessions, also of those of which only a failed copy is left."""
        part = Part(self._prefixes.sessions, "sessions")
        seen = set()
        async for session in find_documents(self._rpc, part, "customer_id", self.customer_id):
            seen.add(session["id"])
            yield session["id"]
        async for record in self._failed(part._replace(is_failed=True)):
            if record.id is not None and record.id not in seen:
                seen.add(record.id)
                yield record.id

    async def _failed(self, part: Part) -> AsyncIterator[Record]:
        after: int | None = None
        while True:
            reply = await self._rpc.call(
                LIST_CUSTOMER_FAILED_DOCUMENTS,
                {
                    "p_session_prefix": self._prefixes.sessions,
                    "p_customer_prefix": self._prefixes.customers,
                    "p_variable_prefix": self._prefixes.context_variables,
                    "p_customer_id": self.customer_id,
                    "p_collection": part.collection,
                    "p_after": after,
                },
                f"reading {part}",
            )
            for each in reply["documents"]:
                failure = Failure(each["id"], each["reason"], each["failed_at"])
                yield Record(part, each.get("data"), None, failure)
            after = reply["next"]
            if after is None:
                return


async def write_archive(access: CustomerAccess, file: BinaryIO) -> Counter[Part]:
    """Writes a customer's documents in the format that `import` reads; returns their numbers."""
    archive = ArchiveWriter(file, access.parts)
    counts: Counter[Part] = Counter()
    async for record in access.records():
        archive.add(record)
        counts[record.part] += 1
    archive.close()
    return counts


async def write_page(access: CustomerAccess, file: BinaryIO) -> Counter[Part]:
    """Writes a customer's documents as an HTML page; returns their numbers."""
    records = [record async for record in access.records()]
    file.write(page_of(access.customer_id, records))
    return Counter(record.part for record in records)
