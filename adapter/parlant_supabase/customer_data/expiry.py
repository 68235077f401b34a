"""Finds, archives and erases what has been idle for long."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from parlant_supabase.customer_data.documents import find_documents
from parlant_supabase.customer_data.erasure import Advance, Counts, Erasure, until_done
from parlant_supabase.failed_documents import FailedCollection, FailedDocuments
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import (
    DESCRIBE_CACHES,
    EXPIRE_CACHE,
    EXPIRE_FAILED_DOCUMENTS,
    LIST_EXPIRED_SESSIONS,
    Function,
)
from parlant_supabase.rpc.replies import ErasedReply, ExpiredSession
from parlant_supabase.store_layout import StorePrefixes, cache_prefix
from parlant_supabase.transfer.archive import ArchiveWriter, End
from parlant_supabase.transfer.records import Failure, Part, Record


@dataclass(frozen=True)
class Rule:
    """What counts as expired.

    Attributes:
        before: Sessions without an event at this time (UTC) or later, and documents that failed
            before it.
        keep_tags: Sessions of customers with one of these tags are kept.
        labels: Only sessions with one of these labels expire; none for all.
    """

    before: datetime
    keep_tags: Sequence[str] = ()
    labels: Sequence[str] = ()


class Expiry:
    """Applies a rule to the stores of an agent.

    Its methods raise `SupabaseAdapterError`.

    Args:
        rpc: An open connection to the project.
        prefixes: The table prefixes of the agent's stores.
        rule: What counts as expired.
    """

    def __init__(self, rpc: RpcClient, prefixes: StorePrefixes, rule: Rule) -> None:
        self._rpc = rpc
        self._prefixes = prefixes
        self._rule = rule
        self._failed = FailedDocuments(rpc)

    async def sessions(self) -> list[ExpiredSession]:
        """The sessions that have expired."""
        found: list[ExpiredSession] = []
        after: str | None = None
        while True:
            reply = await self._rpc.call(
                LIST_EXPIRED_SESSIONS,
                {
                    "p_session_prefix": self._prefixes.sessions,
                    "p_customer_prefix": self._prefixes.customers,
                    "p_idle_since": self._rule.before.isoformat(),
                    "p_keep_tags": list(self._rule.keep_tags) or None,
                    "p_labels": list(self._rule.labels) or None,
                    "p_after": after,
                },
                "looking for idle sessions",
            )
            found += reply["sessions"]
            after = reply["next"]
            if after is None:
                return found

    async def failed_documents(self) -> AsyncIterator[Record]:
        """The failed documents that have expired."""
        for collection in await self._collections():
            async for record, failed_at in self._failed_records(collection):
                if failed_at < self._rule.before:
                    yield record

    async def unused_cached_values(self) -> int:
        """How many cached values no server has used since."""
        reply = await self._rpc.call(
            DESCRIBE_CACHES,
            {
                "p_prefix": cache_prefix(self._prefixes.sessions),
                "p_unused_since": self._rule.before.isoformat(),
            },
            "looking for unused cached values",
        )
        return sum(cache["unused"] for cache in reply["caches"])

    async def archive(self, sessions: Sequence[ExpiredSession], file: BinaryIO) -> End:
        """Writes sessions with their events, and all that failed of them or has expired.

        Args:
            sessions: The sessions.
            file: Where to, in the format that `import` reads.
        """
        ids = {session["id"] for session in sessions}
        session_part = Part(self._prefixes.sessions, "sessions")
        event_part = Part(self._prefixes.sessions, "events")
        failed = [
            record
            for collection in await self._collections()
            async for record, failed_at in self._failed_records(collection)
            if failed_at < self._rule.before or _session_of(record) in ids
        ]
        parts = [session_part, event_part, *sorted({record.part for record in failed})]
        archive = ArchiveWriter(file, parts)
        for session in sessions:
            async for document in find_documents(self._rpc, session_part, "id", session["id"]):
                archive.add(Record(session_part, document))
        for session in sessions:
            async for document in find_documents(
                self._rpc, event_part, "session_id", session["id"]
            ):
                archive.add(Record(event_part, document))
        for record in failed:
            archive.add(record)
        return archive.close()

    async def erase(self, sessions: Sequence[ExpiredSession], advance: Advance) -> Counts:
        """Erases sessions without an event since, and what else has expired.

        Failed documents expire by their age, cached values by their last use.

        Args:
            sessions: The sessions.
            advance: Is told how many more rows have been erased.

        Raises:
            CustomerDataError: Another transaction keeps holding some of the rows.
        """
        erasure = Erasure(self._rpc, self._prefixes)
        before = self._rule.before.isoformat()
        total: Counts = Counter()
        for session in sessions:
            total += await erasure.erase_session(session["id"], advance, idle_since=before)
        for prefix in sorted(
            {self._prefixes.sessions, self._prefixes.customers, self._prefixes.context_variables}
        ):
            total += await self._erase_all(
                EXPIRE_FAILED_DOCUMENTS,
                {"p_prefix": prefix, "p_failed_since": before},
                f"erasing failed documents (prefix {prefix!r})",
                advance,
            )
        prefix = cache_prefix(self._prefixes.sessions)
        return total + await self._erase_all(
            EXPIRE_CACHE,
            {"p_prefix": prefix, "p_unused_since": before},
            f"erasing unused cached values (prefix {prefix!r})",
            advance,
        )

    async def _erase_all(
        self,
        function: Function[ErasedReply],
        arguments: Mapping[str, str],
        subject: str,
        advance: Advance,
    ) -> Counts:
        async def erase() -> tuple[dict[str, int], bool]:
            reply = await self._rpc.call(function, arguments, subject)
            return reply["erased"], reply["done"]

        return await until_done(erase, advance)

    async def _collections(self) -> list[FailedCollection]:
        return [
            collection
            for prefix in (
                self._prefixes.sessions,
                self._prefixes.customers,
                self._prefixes.context_variables,
            )
            for collection in await self._failed.collections(prefix, None)
            if collection.total
        ]

    async def _failed_records(
        self, collection: FailedCollection
    ) -> AsyncIterator[tuple[Record, datetime]]:
        part = Part(collection.prefix, collection.collection, True)
        async for page in self._failed.pages(collection, with_data=True):
            for document in page:
                failure = Failure(document.id, document.reason, document.failed_at)
                record = Record(part, document.data, None, failure)
                yield record, _moment(document.failed_at)


def _session_of(record: Record) -> object:
    if record.part.collection == "sessions":
        return record.id
    if record.part.collection == "events":
        return (record.data or {}).get("session_id")
    return None


def _moment(text: str) -> datetime:
    # Python 3.10 reads three or six digits after the point, and Postgres leaves out zeros.
    return datetime.fromisoformat(re.sub(r"\.(\d+)", lambda fraction: f".{fraction[1]:0<6}", text))
