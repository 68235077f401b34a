"""Keeps the leases of a server's turns while tools or models are silent, and ends them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from parlant.core.loggers import Logger
from parlant.core.sessions import SessionId

from parlant_supabase.errors import NotOpenError, SupabaseAdapterError
from parlant_supabase.server.complaint import Complaint
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.turns import Turn, Turns

# Writes of a turn renew its lease where a third of it is over, so at least two thirds are left
# after one. The first look after a quarter of silence leaves time for a second.
_LOOKS_PER_LEASE = 4

# As many as the database takes in a call.
_MAX_TURNS = 1000

_Report = tuple[SessionId, str, str]


class LeaseKeeper:
    """Renews the leases of turns that write nothing for a while, and ends those that are over.

    A turn that writes and ends as usual costs no request of this. Failures are logged once, and
    the turn goes on: at worst another server takes it over.

    Args:
        store: Where the leases are.
        turns: The turns of this server.
        logger: Hears of leases that cannot be kept.
        lease_seconds: How long a lease lasts.
    """

    def __init__(
        self, store: SupabaseSessionStore, turns: Turns, logger: Logger, lease_seconds: float
    ) -> None:
        self._store = store
        self._turns = turns
        self._lease_seconds = lease_seconds
        self._complaint = Complaint(
            logger,
            "The leases of running turns were not renewed, so that another server may take the "
            "turns over",
        )

    async def run(self) -> None:
        """Keeps leases until it is cancelled."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self._turns.something_ended.wait(), self._lease_seconds / _LOOKS_PER_LEASE
                )
            try:
                await self.keep()
            except NotOpenError:
                return
            except SupabaseAdapterError as error:
                self._complaint.make(error)
            else:
                self._complaint.settle()

    async def keep(self) -> None:
        """Tells the database what has to be told now."""
        self._turns.something_ended.clear()
        outcomes, self._turns.outcomes = self._turns.outcomes, {}
        silent = self._silent()
        reports: list[_Report] = [
            *((session_id, name, outcome) for (session_id, name), outcome in outcomes.items()),
            *((turn.session_id, turn.name, "running") for turn in silent),
        ]
        try:
            superseded = await self._report(reports)
        except SupabaseAdapterError:
            self._turns.outcomes = {**outcomes, **self._turns.outcomes}
            raise
        for turn in silent:
            if turn.session_id in superseded:
                self._turns.supersede(turn)

    async def _report(self, reports: Sequence[_Report]) -> set[SessionId]:
        superseded: set[SessionId] = set()
        for first in range(0, len(reports), _MAX_TURNS):
            superseded.update(
                await self._store._keep_turns(
                    reports[first : first + _MAX_TURNS], self._lease_seconds
                )
            )
        return superseded

    def _silent(self) -> list[Turn]:
        """Turns whose leases have to be renewed now."""
        now = time.monotonic()
        silent = []
        for turn in self._turns.known:
            silence = now - turn.last_write
            if turn.has_ended or turn.is_superseded or not turn.is_announced:
                continue
            if not turn.is_dispatched and silence > self._lease_seconds / 2:
                # A message that was written without a wish for an answer.
                self._turns.end(turn, "ended")
            elif silence >= self._lease_seconds / _LOOKS_PER_LEASE / 2:
                silent.append(turn)
        return silent
