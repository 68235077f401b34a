"""The turns that this server takes: what their writes tell the database, and how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from uuid import uuid4

from parlant.core.loggers import Logger
from parlant.core.sessions import Event, EventKind, EventSource, SessionId

from parlant_supabase.errors import (
    NotDeployedError,
    PermissionDeniedError,
    SupabaseAdapterError,
    TurnSupersededError,
)

Reply = TypeVar("Reply")

Outcome = Literal["running", "ended", "released", "failed"]

# The turn that the running task belongs to. Trace ids do not tell: Parlant gives a turn one of its
# own after it has been dispatched, and several turns may share that of the request.
_current: ContextVar[Turn | None] = ContextVar("parlant_supabase_turn", default=None)


@dataclass(eq=False)
class Turn:
    """A turn of a session.

    Attributes:
        session_id: The session.
        name: Names the turn among those of all servers.
        trace_id: The trace of its events, once there is one.
        is_announced: Whether the database knows of it, by a customer's message or a claim.
        is_dispatched: Whether Parlant has begun to process it.
        has_ended: Whether its last write has ended its lease.
        is_superseded: Whether a newer turn has begun, so that nothing more is written for it.
        has_said_so: Whether its events tell that it was superseded.
        is_interrupted: Whether the server stops, and leaves it to the next one.
        has_failed: Whether one of its writes failed for want of the database.
        task: What processes it.
        last_write: When a write may have renewed its lease, by the clock of `time.monotonic`.
        unwritten: Events that were refused, which the turn takes for written.
    """

    session_id: SessionId
    name: str = field(default_factory=lambda: uuid4().hex)
    trace_id: str | None = None
    is_announced: bool = False
    is_dispatched: bool = False
    has_ended: bool = False
    is_superseded: bool = False
    has_said_so: bool = False
    is_interrupted: bool = False
    has_failed: bool = False
    task: asyncio.Task[None] | None = None
    last_write: float = field(default_factory=time.monotonic)
    unwritten: dict[str, Event] = field(default_factory=dict)


class Turns:
    """The turns that a server takes.

    Args:
        logger: Hears of turns that are superseded, and if the database takes no leases.
        lease_seconds: How long a lease lasts; None to take none.
        fenced: Whether the database refuses what a superseded turn writes.
    """

    def __init__(self, logger: Logger, *, lease_seconds: float | None, fenced: bool) -> None:
        self.outcomes: dict[tuple[SessionId, str], Outcome] = {}
        """What the database has to be told of turns that are over: ended, released or failed."""
        self.something_ended = asyncio.Event()
        self.is_off = False
        self._logger = logger
        self._lease_seconds = lease_seconds
        self._fenced = fenced
        self._turns: dict[str, Turn] = {}

    @property
    def known(self) -> list[Turn]:
        """The turns that have not ended."""
        return list(self._turns.values())

    def of_event(
        self, session_id: SessionId, source: EventSource, kind: EventKind, trace_id: str
    ) -> tuple[Turn, str | None] | None:
        """The turn that an event is of, and the step of it that the event is, if any.

        The message of a customer is the first step of the turn that answers it. Events of no turn,
        such as messages of people who work for the business, have none.
        """
        turn = self._running(session_id)
        if turn is not None:
            turn.trace_id = trace_id
            return turn, None
        if not self.is_off and source is EventSource.CUSTOMER and kind is EventKind.MESSAGE:
            turn = self.add(Turn(session_id))
            # Parlant dispatches the turn in the same task.
            _current.set(turn)
            return turn, "asks"
        return None

    def of_update(self, session_id: SessionId) -> Turn | None:
        """The turn that the running task belongs to, unless it has ended."""
        turn = self._running(session_id)
        return None if turn is None or turn.has_ended else turn

    def _running(self, session_id: SessionId) -> Turn | None:
        turn = _current.get()
        if self.is_off or turn is None or turn.session_id != session_id or not turn.is_dispatched:
            return None
        return turn

    async def write(
        self, turn: Turn, step: str, call: Callable[[dict[str, Any] | None], Awaitable[Reply]]
    ) -> Reply | None:
        """Makes a write of a turn.

        Args:
            turn: The turn.
            step: The step of it that the write is.
            call: Makes the call, with what tells the database of the turn, or None.

        Returns:
            None if nothing was written, because a newer turn has begun.
        """
        if turn.is_superseded:
            return None
        turn.last_write = time.monotonic()
        try:
            reply = await call(
                {
                    "turn": turn.name,
                    "trace_id": turn.trace_id,
                    "step": step,
                    "fenced": self._fenced,
                    "lease_seconds": self._lease_seconds,
                }
            )
        except TurnSupersededError:
            self.supersede(turn)
            return None
        except (NotDeployedError, PermissionDeniedError) as error:
            reply = await call(None)
            self.switch_off(error)
            return reply
        except SupabaseAdapterError:
            if step == "asks":
                self.forget(turn)
            turn.has_failed = True
            raise
        turn.is_announced = True
        turn.has_ended = turn.has_ended or step == "ends"
        return reply

    def step_of(self, turn: Turn) -> str:
        """The step that a write of a running turn is."""
        return "goes on" if turn.is_announced else "begins"

    def add(self, turn: Turn) -> Turn:
        """Makes a turn known."""
        self._turns[turn.name] = turn
        return turn

    def resume(self, turn: Turn) -> None:
        """Has the running task dispatch a turn that was claimed."""
        _current.set(self.add(turn))

    def forget(self, turn: Turn) -> None:
        """Forgets a turn of which the database need not hear."""
        self._turns.pop(turn.name, None)

    def unwritten_event(self, session_id: SessionId, event_id: str) -> Event | None:
        """An event that was refused, and that its turn takes for written."""
        for turn in self._turns.values():
            if turn.session_id == session_id and event_id in turn.unwritten:
                return turn.unwritten[event_id]
        return None

    def dispatch(self, session_id: SessionId) -> Turn:
        """The turn that the running task is about to have processed.

        Tasks that are created before `dispatched` belong to it.
        """
        turn = _current.get()
        if turn is None or turn.session_id != session_id or turn.is_dispatched:
            turn = self.add(Turn(session_id))
            _current.set(turn)
        turn.is_dispatched = True
        return turn

    def dispatched(self) -> None:
        """What the running task does from now on is of no turn."""
        _current.set(None)

    def started(self, turn: Turn, task: asyncio.Task[None]) -> None:
        """Takes note of the task that processes a turn."""
        turn.task = task
        task.add_done_callback(lambda task: self._finished(turn, task))

    def supersede(self, turn: Turn) -> None:
        """Cancels a turn as Parlant does when the customer writes again."""
        if turn.is_superseded:
            return
        turn.is_superseded = True
        self._logger.info(
            f"Session {turn.session_id}: another server has begun a newer turn, which answers."
        )
        if turn.task is not None:
            turn.task.cancel("Superseded by a turn of another server")

    def end(self, turn: Turn, outcome: Outcome) -> None:
        """Has the database told what became of a turn."""
        self.forget(turn)
        self.outcomes[turn.session_id, turn.name] = outcome
        self.something_ended.set()

    def switch_off(self, error: SupabaseAdapterError) -> None:
        """Goes on without turns, after the database has refused to keep them."""
        if not self.is_off:
            self.is_off = True
            self._logger.warning(
                "Turns are not resumed, and not fenced between servers, because the database "
                f"keeps no turns for this key: {error}"
            )

    def _finished(self, turn: Turn, task: asyncio.Task[None]) -> None:
        of_session = [each for each in self._turns.values() if each.session_id == turn.session_id]
        has_newer = bool(of_session) and of_session[-1] is not turn
        if self.is_off or turn.has_ended or turn.is_superseded or has_newer:
            self.forget(turn)
        elif turn.is_interrupted:
            self.end(turn, "released")
        elif turn.has_failed or _is_want_of_database(task):
            self.end(turn, "failed")
        else:
            self.end(turn, "ended")


def _is_want_of_database(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and isinstance(task.exception(), SupabaseAdapterError)
