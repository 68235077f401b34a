"""What Parlant reads through, so that reads that belong together are one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from parlant.core.agents import AgentId
from parlant.core.sessions import Event, Session, SessionId
from parlant.core.tags import Tag
from typing_extensions import override

from parlant_supabase.parlant_internals import Agent, EntityQueries, SessionModule
from parlant_supabase.server.turn_reading import TurnReader
from parlant_supabase.stores.turn_snapshot import using_snapshot

_agent: ContextVar[Agent | None] = ContextVar("parlant_supabase_agent", default=None)


class SupabaseEntityQueries(EntityQueries):
    """What the engine reads through: the read of the session brings what a turn begins with.

    Attributes:
        reader: Reads from the stores; None to read as Parlant does.
    """

    reader: TurnReader | None = None

    @override
    async def read_agent(self, agent_id: AgentId) -> Agent:
        agent = await super().read_agent(agent_id)
        # The engine reads it right before the session, in the same task.
        _agent.set(agent)
        return agent

    @override
    async def read_session(self, session_id: SessionId) -> Session:
        agent = _agent.get()
        if self.reader is None or agent is None:
            return await super().read_session(session_id)
        # In the order in which the engine lists variables.
        tag_lists = [[Tag.for_agent_id(agent.id).id], [], list(agent.tags)]
        return await self.reader.read_turn(session_id, tag_lists)


class SupabaseSessionModule(SessionModule):
    """What the API's sessions are: a customer's message takes two requests.

    Attributes:
        reader: Reads from the stores; None to read as Parlant does.
        end_turn: Returns when all that a turn has emitted is written; None if nothing is deferred.
    """

    reader: TurnReader | None = None
    end_turn: Callable[[SessionId], Awaitable[None]] | None = None

    @override
    async def _process_session(self, session: Session) -> None:
        try:
            await super()._process_session(session)
        finally:
            # Whoever comes after the turn, also after one that was cancelled, finds all its events.
            if self.end_turn is not None:
                await self.end_turn(session.id)

    @override
    async def create_customer_message(
        self, session_id: SessionId, *arguments: Any, **named_arguments: Any
    ) -> Event:
        if self.reader is None:
            return await super().create_customer_message(session_id, *arguments, **named_arguments)
        with using_snapshot(await self.reader.read_for_message(session_id)):
            return await super().create_customer_message(session_id, *arguments, **named_arguments)
