"""Lets stores that were opened before a server use what the server has."""

from __future__ import annotations

from lagom import Container, Singleton
from parlant.core.context_variables import ContextVariableStore
from parlant.core.customers import CustomerStore
from parlant.core.emissions import EventEmitterFactory
from parlant.core.loggers import Logger
from parlant.core.meter import Meter
from parlant.core.sessions import SessionListener, SessionStore
from parlant.core.tracer import Tracer

from parlant_supabase.errors import ConfigurationError
from parlant_supabase.parlant_internals import BackgroundTaskService, missing_for
from parlant_supabase.stores.session_listener import SupabaseSessionListener
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.store import SupabaseStore
from parlant_supabase.stores.turn_reading import TurnReader
from parlant_supabase.stores.turns.background_tasks import SessionTaskService

_INTERFACES = (SessionStore, CustomerStore, ContextVariableStore)


async def join_server(
    container: Container,
    *,
    lock_by_session: bool = True,
    share_reads: bool = True,
    defer_status_events: bool = True,
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

    Returns:
        The container.

    Raises:
        ConfigurationError: While the server starts, if its sessions are not in a
            `SupabaseSessionStore`.
    """

    def listener(container: Container) -> SessionListener:
        sessions = container[SessionStore]  # type: ignore[type-abstract]
        if not isinstance(sessions, SupabaseSessionStore):
            raise ConfigurationError(
                f"join_server: the sessions are in a {type(sessions).__name__}. "
                "Give the server the stores that supabase_stores() opens."
            )
        _join(container)
        return SupabaseSessionListener(sessions)

    # Resolved when it is asked for: later versions of Parlant define the stores after this call.
    container[SessionListener] = Singleton(listener)  # type: ignore[type-abstract]
    if lock_by_session:
        _lock_by_session(container)
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
    return container


def _is_available(part: str, container: Container, what_is_lost: str) -> bool:
    warning = missing_for(part, what_is_lost)
    if warning is not None:
        container[Logger].warning(warning)  # type: ignore[type-abstract]
    return warning is None


def _lock_by_session(container: Container) -> None:
    if not _is_available(
        "lock_by_session", container, "A message may wait for the turn of another session."
    ):
        return
    container[BackgroundTaskService] = Singleton(
        lambda container: SessionTaskService(container[Logger])
    )


# What these import is not imported before a server asks for it: it imports Parlant's engine.


def _share_reads(container: Container) -> None:
    from parlant_supabase.parlant_internals import EntityQueries
    from parlant_supabase.stores.entity_queries import SupabaseEntityQueries

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
    from parlant_supabase.stores.event_emission import DeferringEmitterFactory

    def emitters(container: Container) -> EventEmitterFactory:
        factory: EventEmitterFactory = container.resolve(EventPublisherFactory)
        sessions = container[SessionStore]  # type: ignore[type-abstract]
        is_ours = isinstance(sessions, SupabaseSessionStore)
        return DeferringEmitterFactory(factory) if is_ours else factory

    container[EventEmitterFactory] = Singleton(emitters)  # type: ignore[type-abstract]


def _replace_session_module(container: Container, shares_reads: bool, defers: bool) -> None:
    from parlant_supabase.parlant_internals import SessionModule
    from parlant_supabase.stores.entity_queries import SupabaseSessionModule

    def sessions(container: Container) -> SessionModule:
        made = container.resolve(SupabaseSessionModule)
        store = container[SessionStore]  # type: ignore[type-abstract]
        if shares_reads:
            made.reader = _turn_reader(container)
        if defers and isinstance(store, SupabaseSessionStore):
            made.end_turn = store._end_turn
        return made

    container[SessionModule] = Singleton(sessions)


def _turn_reader(container: Container) -> TurnReader | None:
    return TurnReader.of(*(container[interface] for interface in _INTERFACES))


def _join(container: Container) -> None:
    logger: Logger = container[Logger]  # type: ignore[type-abstract]
    tracer: Tracer = container[Tracer]  # type: ignore[type-abstract]
    meter: Meter = container[Meter]  # type: ignore[type-abstract]
    for interface in _INTERFACES:
        store: object = container[interface]
        if isinstance(store, SupabaseStore):
            store._join(logger, tracer, meter)
