"""Lets stores that were opened before a server use what the server has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lagom import Container, Singleton
from parlant.core.agents import AgentId, AgentStore
from parlant.core.emissions import EventEmitterFactory
from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.sessions import SessionListener, SessionStore
from parlant.core.tracer import Tracer

from parlant_supabase.errors import ConfigurationError
from parlant_supabase.parlant_internals import (
    BackgroundTaskService,
    current_server_ready,
    missing_for,
    process_session,
)
from parlant_supabase.server import shutdown
from parlant_supabase.server.background_tasks import SessionTaskService
from parlant_supabase.server.leases import LeaseKeeper
from parlant_supabase.server.resuming import Resumer
from parlant_supabase.server.stores_of_server import (
    INTERFACES,
    session_store_of,
    supabase_stores_of,
)
from parlant_supabase.server.turn_reading import TurnReader
from parlant_supabase.server.turn_tasks import LockedTurnTaskService, TurnTaskService
from parlant_supabase.stores.session_listener import SupabaseSessionListener
from parlant_supabase.stores.turns import Turns
from parlant_supabase.validation import check_seconds


async def join_server(
    container: Container,
    *,
    lock_by_session: bool = True,
    share_reads: bool = True,
    defer_status_events: bool = True,
    fence_turns: bool = True,
    resume_turns: bool = True,
    end_on_sigterm: bool = True,
    lease_seconds: float = 20.0,
    max_age_seconds: float = 600.0,
    max_attempts: int = 2,
    seconds_to_finish: float = 5.0,
) -> Container:
    """Makes the stores a part of the server that they are given to.

        p.Server(**stores, configure_container=join_server)

    They then log, trace and measure with the server's own logger, tracer and meter, unless they
    were opened with others, and clients that wait for events of a session share their requests. An
    application with a `configure_container` of its own calls it there. To switch a part off:

        configure_container=functools.partial(join_server, lock_by_session=False)

    A part for which the installed Parlant lacks a name is left out, with one warning.

    Args:
        container: The server's; it is changed.
        lock_by_session: Whether the message of a customer waits for the running turn of that
            customer's session only, by a `BackgroundTaskService` of this package.
        share_reads: Whether what a turn begins with is read with one request, and a customer's
            message takes two, by an `EntityQueries` and a `SessionModule` of this package.
        defer_status_events: Whether a turn goes on before its status events are written, by an
            `EventEmitterFactory` and a `SessionModule` of this package. Whatever else it writes
            comes after them. Chunks of streamed messages are written at intervals then.
        fence_turns: Whether a turn ends, as one that is cancelled does, when another server has
            begun a newer one of the session. Its agent state is added to those that are there.
        resume_turns: Whether messages that nobody is answering, because their server is gone, are
            answered by this one; and whether this one's turns hold leases, so that others can tell.
        end_on_sigterm: Whether SIGTERM ends the server as Ctrl-C does, unless the application
            handles the signal itself.
        lease_seconds: How long a server may be silent before another takes over its turns.
        max_age_seconds: How old a message may be to be answered after its server has gone.
        max_attempts: How many servers may begin to answer a message. It is given up after that.
        seconds_to_finish: How long running turns may take to end when the server stops; what is
            left is answered by the next server.

    Returns:
        The container.

    Raises:
        ConfigurationError: An argument cannot be right; or, while the server starts, its sessions
            are not in a `SupabaseSessionStore`.
    """
    check_seconds("lease_seconds", lease_seconds)
    check_seconds("max_age_seconds", max_age_seconds)
    check_seconds("seconds_to_finish", seconds_to_finish)
    if max_attempts < 1:
        raise ConfigurationError(f"max_attempts must be 1 or more, got {max_attempts}.")

    def listener(container: Container) -> SessionListener:
        sessions = session_store_of(container)
        if sessions is None:
            other = container[SessionStore]  # type: ignore[type-abstract]
            raise ConfigurationError(
                f"join_server: the sessions are in a {type(other).__name__}. "
                "Give the server the stores that supabase_stores() opens."
            )
        _join(container)
        return SupabaseSessionListener(sessions)

    # Resolved when it is asked for: later versions of Parlant define the stores after this call.
    container[SessionListener] = Singleton(listener)  # type: ignore[type-abstract]
    if end_on_sigterm:
        shutdown.end_on_sigterm()
    locks = lock_by_session and _is_available(
        "lock_by_session", container, "A message may wait for the turn of another session."
    )
    fences = fence_turns and _is_available(
        "fence_turns", container, "Two servers may both answer messages that are close together."
    )
    ready = current_server_ready()
    resumes = resume_turns and _is_available(
        "resume_turns", container, "What a server was answering when it ended stays unanswered."
    )

    def tasks(container: Container) -> BackgroundTaskService:
        logger: Logger = container[Logger]  # type: ignore[type-abstract]
        sessions = session_store_of(container)
        if not (fences or resumes) or sessions is None:
            return SessionTaskService(logger)
        tracer: Tracer = container[Tracer]  # type: ignore[type-abstract]
        turns = Turns(logger, lease_seconds=lease_seconds if resumes else None, fenced=fences)
        sessions._take_turns(turns)
        loops: list[Callable[[], Awaitable[None]]] = []
        last_words = None
        if resumes and ready is None:
            logger.warning(
                "join_server: called outside the start of a parlant.sdk.Server, so this server "
                "does not look for messages whose server is gone. Pass resume_turns=False to "
                "switch this warning off."
            )
        elif resumes and ready is not None:
            keeper = LeaseKeeper(sessions, turns, logger, lease_seconds)
            last_words = keeper.keep
            resumer = Resumer(
                sessions,
                turns,
                logger,
                tracer,
                lambda: _agent_ids(container),
                lambda session: process_session(container, session),
                lease_seconds=lease_seconds,
                max_age_seconds=max_age_seconds,
                max_attempts=max_attempts,
            )
            loops = [keeper.run, lambda: _after(ready, resumer.run)]
        kind = TurnTaskService if locks else LockedTurnTaskService
        return kind(logger, turns, loops, last_words, seconds_to_finish)

    shares = share_reads and _is_available(
        "share_reads", container, "A turn makes a request for each of its reads."
    )
    defers = defer_status_events and _is_available(
        "defer_status_events", container, "A turn waits for each of its status events."
    )
    if shares:
        _share_reads(container)
    if defers:
        _defer_status_events(container)
    if shares or defers:
        _replace_session_module(container, shares, defers)
    if locks or fences or resumes:
        container[BackgroundTaskService] = Singleton(tasks)
    return container


def _is_available(part: str, container: Container, what_is_lost: str) -> bool:
    warning = missing_for(part, what_is_lost)
    if warning:
        container[Logger].warning(warning)  # type: ignore[type-abstract]
    return not warning


# What these import is not imported before a server asks for it: it imports Parlant's engine.


def _share_reads(container: Container) -> None:
    from parlant_supabase.parlant_internals import EntityQueries
    from parlant_supabase.server.entity_queries import SupabaseEntityQueries

    def queries(container: Container) -> EntityQueries:
        made = container.resolve(SupabaseEntityQueries)
        made.reader = _turn_reader(container)
        if made.reader is None:
            container[Logger].warning(  # type: ignore[type-abstract]
                "join_server: the three stores are not from one supabase_stores(). A turn makes a "
                "request for each of its reads. Pass share_reads=False to switch this warning off."
            )
        return made

    container[EntityQueries] = Singleton(queries)


def _defer_status_events(container: Container) -> None:
    from parlant_supabase.parlant_internals import EventPublisherFactory
    from parlant_supabase.server.event_emission import DeferringEmitterFactory

    def emitters(container: Container) -> EventEmitterFactory:
        factory: EventEmitterFactory = container.resolve(EventPublisherFactory)
        return factory if session_store_of(container) is None else DeferringEmitterFactory(factory)

    container[EventEmitterFactory] = Singleton(emitters)  # type: ignore[type-abstract]


def _replace_session_module(container: Container, shares_reads: bool, defers: bool) -> None:
    from parlant_supabase.parlant_internals import SessionModule
    from parlant_supabase.server.entity_queries import SupabaseSessionModule

    def sessions(container: Container) -> SessionModule:
        made = container.resolve(SupabaseSessionModule)
        store = session_store_of(container)
        if shares_reads:
            made.reader = _turn_reader(container)
        if defers and store is not None:
            made.end_turn = store._end_turn
        return made

    container[SessionModule] = Singleton(sessions)


def _turn_reader(container: Container) -> TurnReader | None:
    return TurnReader.of(*(container[interface] for interface in INTERFACES))


async def _agent_ids(container: Container) -> list[AgentId]:
    agents = container[AgentStore]  # type: ignore[type-abstract]
    return [agent.id for agent in await agents.list_agents()]


async def _after(ready: asyncio.Event, run: Callable[[], Awaitable[None]]) -> None:
    await ready.wait()
    await run()


def _join(container: Container) -> None:
    logger: Logger = container[Logger]  # type: ignore[type-abstract]
    tracer: Tracer = container[Tracer]  # type: ignore[type-abstract]
    meter: Meter = container[Meter]  # type: ignore[type-abstract]
    for store in supabase_stores_of(container):
        store._join(logger, tracer, meter)
