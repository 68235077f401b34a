"""Emits the events of a turn so that its status events do not hold it up."""

from __future__ import annotations

from typing import Any

from parlant.core.agents import AgentId
from parlant.core.emissions import EmittedEvent, EventEmitterFactory
from parlant.core.sessions import SessionId
from typing_extensions import override

from parlant_supabase.parlant_internals import EventEmitter
from parlant_supabase.stores.session_writes import begin_turn, deferring


class DeferringEmitterFactory(EventEmitterFactory):
    """Makes an emitter for each turn, in the task of the turn.

    Args:
        factory: Makes emitters that write to a `SupabaseSessionStore`.
    """

    def __init__(self, factory: EventEmitterFactory) -> None:
        self._factory = factory

    @override
    async def create_event_emitter(
        self, emitting_agent_id: AgentId, session_id: SessionId
    ) -> EventEmitter:
        emitter = await self._factory.create_event_emitter(emitting_agent_id, session_id)
        begin_turn()
        return DeferringEmitter(emitter)


class DeferringEmitter(EventEmitter):
    """Goes on before a status event is written; every other event is written after it.

    Args:
        emitter: Emits the events.
    """

    def __init__(self, emitter: EventEmitter) -> None:
        self._emitter = emitter

    @override
    async def emit_status_event(self, *arguments: Any, **named_arguments: Any) -> EmittedEvent:
        with deferring():
            return await self._emitter.emit_status_event(*arguments, **named_arguments)

    @override
    async def emit_message_event(self, *arguments: Any, **named_arguments: Any) -> Any:
        return await self._emitter.emit_message_event(*arguments, **named_arguments)

    @override
    async def emit_tool_event(self, *arguments: Any, **named_arguments: Any) -> EmittedEvent:
        return await self._emitter.emit_tool_event(*arguments, **named_arguments)

    @override
    async def emit_custom_event(self, *arguments: Any, **named_arguments: Any) -> EmittedEvent:
        return await self._emitter.emit_custom_event(*arguments, **named_arguments)
