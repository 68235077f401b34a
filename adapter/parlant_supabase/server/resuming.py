"""Answers customers whose server is gone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.loggers import Logger
from parlant.core.sessions import EventKind, EventSource, Session, SessionId
from parlant.core.tracer import Tracer

from parlant_supabase.errors import NotOpenError, SupabaseAdapterError
from parlant_supabase.rpc.replies import ClaimedTurn
from parlant_supabase.server.complaint import Complaint
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.turns import Turn, Turns

_LOOKS_PER_LEASE = 4

# Sessions that are taken over at once; the rest is left to other servers, or to the next look.
_LIMIT = 10


class Resumer:
    """Looks for messages that nobody is answering, and has them answered.

    One query for all sessions, four times in the time of a lease, finds those whose lease is over.

    Args:
        store: Where the leases are.
        turns: The turns of this server.
        logger: Hears of sessions that are taken over or given up, and of failures, once.
        tracer: Gives each turn a trace of its own.
        agent_ids: The agents of this server.
        dispatch: Has Parlant process a session.
        lease_seconds: How long a lease lasts.
        max_age_seconds: How old a message may be to be answered.
        max_attempts: How many servers may try to answer a message.
    """

    def __init__(
        self,
        store: SupabaseSessionStore,
        turns: Turns,
        logger: Logger,
        tracer: Tracer,
        agent_ids: Callable[[], Awaitable[Sequence[AgentId]]],
        dispatch: Callable[[Session], Awaitable[object]],
        *,
        lease_seconds: float,
        max_age_seconds: float,
        max_attempts: int,
    ) -> None:
        self._store = store
        self._turns = turns
        self._logger = logger
        self._tracer = tracer
        self._agent_ids = agent_ids
        self._dispatch = dispatch
        self._lease_seconds = lease_seconds
        self._max_age_seconds = max_age_seconds
        self._max_attempts = max_attempts
        self._complaint = Complaint(logger, "Could not look for messages that nobody is answering")

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while not self._turns.is_off:
            try:
                found = await self.look()
            except NotOpenError:
                return
            except SupabaseAdapterError as error:
                self._complaint.make(error)
                found = 0
            else:
                self._complaint.settle()
            if found < _LIMIT:
                # Servers that were started together do not look together.
                seconds = self._lease_seconds / _LOOKS_PER_LEASE
                await asyncio.sleep(seconds * random.uniform(0.5, 1.5))

    async def look(self) -> int:
        """Takes over sessions that nobody is at work on.

        Returns:
            How many have been found.
        """
        name = uuid4().hex
        found = await self._store._claim_turns(
            name,
            await self._agent_ids(),
            lease_seconds=self._lease_seconds,
            max_age_seconds=self._max_age_seconds,
            max_attempts=self._max_attempts,
            limit=_LIMIT,
        )
        for each in found:
            try:
                await self._take(each, name)
            except ItemNotFoundError:
                # The session has been deleted meanwhile.
                continue
        return len(found)

    async def _take(self, found: ClaimedTurn, name: str) -> None:
        session_id, outcome = SessionId(found["session_id"]), found["outcome"]
        if outcome == "claimed":
            await self._resume(session_id, name)
        elif outcome == "answered":
            await self._say(session_id, found["trace_id"], "ready", {"stage": "completed"})
        else:
            why = (
                f"{self._max_attempts} servers have begun to answer it and ended before they had"
                if outcome == "given up"
                else f"it is older than {self._max_age_seconds:g} s"
            )
            self._logger.error(
                f"Session {session_id}: the newest message of the customer stays without an "
                f"answer, because {why}."
            )
            # In the order in which Parlant tells that a turn has failed.
            await self._say(session_id, found["trace_id"], "ready", {"stage": "completed"})
            await self._say(
                session_id, found["trace_id"], "error", {"exception": f"Given up: {why}."}
            )

    async def _resume(self, session_id: SessionId, name: str) -> None:
        session = await self._store.read_session(session_id)
        with self._tracer.span("resume", {"session_id": session_id}):
            self._turns.resume(Turn(session_id, name, is_announced=True))
            self._logger.info(
                f"Session {session_id}: the server that was answering is gone; this one answers."
            )
            await self._dispatch(session)

    async def _say(
        self, session_id: SessionId, trace_id: str | None, status: str, data: dict[str, str]
    ) -> None:
        await self._store.create_event(
            session_id,
            EventSource.AI_AGENT,
            EventKind.STATUS,
            trace_id or uuid4().hex,
            {"status": status, "data": dict(data)},
        )
