"""Erases or anonymizes what is stored of a customer or a session, in bounded calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from parlant_supabase.customer_data.errors import CustomerDataError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import (
    ANONYMIZE_CUSTOMER,
    COUNT_CUSTOMER_DOCUMENTS,
    COUNT_SESSION_DOCUMENTS,
    ERASE_CUSTOMER,
    ERASE_SESSION,
)
from parlant_supabase.store_layout import StorePrefixes

Counts = Counter[str]
"""Numbers of rows by the name of their table."""

Advance = Callable[[int], None]
"""Is told how many more rows have been erased or changed."""

# Rows that a transaction of somebody else's holds are passed over and tried again.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_CALLS_WITHOUT_PROGRESS = 60


class Erasure:
    """Counts, erases and anonymizes a customer's data.

    Every method may be repeated after an interruption. Methods raise `SupabaseAdapterError`, and
    `InvalidArgumentError` for the guest.

    Args:
        rpc: An open connection to the project.
        prefixes: The table prefixes of the agent's stores.
    """

    def __init__(self, rpc: RpcClient, prefixes: StorePrefixes) -> None:
        self._rpc = rpc
        self._prefixes = prefixes

    async def count_customer(self, customer_id: str) -> Counts:
        """How many rows of each table are a customer's."""
        reply = await self._rpc.call(
            COUNT_CUSTOMER_DOCUMENTS,
            self._of_customer(customer_id),
            f"counting the documents of customer {customer_id!r}",
        )
        return Counter(reply["tables"])

    async def count_session(self, session_id: str) -> Counts:
        """How many rows of each table belong to a session."""
        reply = await self._rpc.call(
            COUNT_SESSION_DOCUMENTS,
            {"p_prefix": self._prefixes.sessions, "p_session_id": session_id},
            f"counting the documents of session {session_id!r}",
        )
        return Counter(reply["tables"])

    async def erase_customer(self, customer_id: str, advance: Advance) -> Counts:
        """Erases all that is stored of a customer; returns how many rows of each table.

        Raises:
            CustomerDataError: Another transaction keeps holding some of the rows.
        """

        async def erase() -> tuple[dict[str, int], bool]:
            reply = await self._rpc.call(
                ERASE_CUSTOMER,
                self._of_customer(customer_id),
                f"erasing customer {customer_id!r}",
            )
            return reply["erased"], reply["done"]

        return await until_done(erase, advance)

    async def erase_session(
        self, session_id: str, advance: Advance, idle_since: str | None = None
    ) -> Counts:
        """Erases a session with its events; returns how many rows of each table.

        Args:
            session_id: The session's id.
            advance: Is told how many more rows have been erased.
            idle_since: Leave the session alone if it has an event of this time (ISO 8601) or later.

        Raises:
            CustomerDataError: Another transaction keeps holding some of the rows.
        """

        async def erase() -> tuple[dict[str, int], bool]:
            reply = await self._rpc.call(
                ERASE_SESSION,
                {
                    "p_prefix": self._prefixes.sessions,
                    "p_session_id": session_id,
                    "p_idle_since": idle_since,
                },
                f"erasing session {session_id!r}",
            )
            return reply["erased"], reply["done"]

        return await until_done(erase, advance)

    async def anonymize_customer(
        self, customer_id: str, anonymous_id: str, *, keep_messages: bool, advance: Advance
    ) -> Counts:
        """Takes a customer out of the conversations; returns how many rows of each table changed.

        Args:
            customer_id: The customer's id.
            anonymous_id: The id that takes its place.
            keep_messages: Whether the texts of messages stay.
            advance: Is told how many more rows have been changed.

        Raises:
            CustomerDataError: Another transaction keeps holding some of the rows.
        """

        async def anonymize() -> tuple[dict[str, int], bool]:
            reply = await self._rpc.call(
                ANONYMIZE_CUSTOMER,
                {
                    **self._of_customer(customer_id),
                    "p_anonymous_id": anonymous_id,
                    "p_keep_messages": keep_messages,
                },
                f"anonymizing customer {customer_id!r}",
            )
            return reply["changed"], reply["done"]

        return await until_done(anonymize, advance)

    def _of_customer(self, customer_id: str) -> dict[str, Any]:
        return {
            "p_session_prefix": self._prefixes.sessions,
            "p_customer_prefix": self._prefixes.customers,
            "p_variable_prefix": self._prefixes.context_variables,
            "p_customer_id": customer_id,
        }


async def until_done(
    step: Callable[[], Awaitable[tuple[dict[str, int], bool]]], advance: Advance
) -> Counts:
    """Repeats a bounded step until nothing is left; returns how many rows of each table.

    Args:
        step: Returns how many rows of each table it has dealt with, and whether none is left.
        advance: Is told how many more rows have been dealt with.

    Raises:
        CustomerDataError: Another transaction keeps holding some of the rows.
    """
    total: Counts = Counter()
    without_progress = 0
    while True:
        counts, done = await step()
        total.update(counts)
        rows = sum(counts.values())
        advance(rows)
        if done:
            return +total
        without_progress = 0 if rows else without_progress + 1
        if without_progress == _CALLS_WITHOUT_PROGRESS:
            raise CustomerDataError(
                "Another transaction keeps holding some of the rows, so they are still there. End "
                "it, or wait until it has ended, and run the command again."
            )
        if without_progress:
            await anyio.sleep(min(_FIRST_PAUSE_S * 2**without_progress, _LONGEST_PAUSE_S))
