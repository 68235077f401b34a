"""Lets a server begin with what other servers of the agent have worked out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lagom import Container
from parlant.core.loggers import Logger

from parlant_supabase.database import connection_of
from parlant_supabase.parlant_internals import parlant_version
from parlant_supabase.server.agent_cache.cache import AgentCache
from parlant_supabase.server.stores_of_server import supabase_stores_of
from parlant_supabase.store_layout import cache_prefix
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.store import SupabaseStore
from parlant_supabase.validation import check_days


async def warm_start(
    container: Container,
    *,
    evaluations: bool = True,
    embeddings: bool = True,
    changed_journeys: bool = True,
    keep_days: float = 90,
) -> None:
    """Lets a server begin with what other servers of the agent have worked out.

        p.Server(**stores, configure_container=join_server, initialize_container=warm_start)

    Answers of the language model about guidelines and journeys, and the vectors of the agent's
    texts, are kept in the Supabase project of the stores. Only what no server has asked before is
    asked. Nothing of a conversation is kept. And a journey that was changed since a customer was in
    it starts over, where Parlant would fail or go on at another step.

    An application with an `initialize_container` of its own calls it there. A part is switched off
    with `functools.partial(warm_start, embeddings=False)`.

    It never keeps a server from starting. What fails is logged in one warning, and Parlant's own
    caches are used in its place.

    Args:
        container: The server's; it is changed.
        evaluations: Whether answers about guidelines and journeys are kept.
        embeddings: Whether vectors are kept.
        changed_journeys: Whether journeys that were changed start over.
        keep_days: How long that is kept which no server uses.

    Raises:
        ConfigurationError: An argument cannot be right.
    """
    check_days("keep_days", keep_days)
    logger: Logger = container[Logger]  # type: ignore[type-abstract]
    store = next(supabase_stores_of(container), None)
    if store is None:
        logger.warning(
            "warm_start: none of the server's stores is in a Supabase project, so nothing is kept. "
            "Give the server the stores that supabase_stores() opens."
        )
        return
    parts: list[Callable[[], list[str]]] = []
    # They import Parlant's engine, which takes seconds wherever no server runs.
    if evaluations or embeddings:
        from parlant_supabase.server.agent_cache.embeddings import use_embeddings
        from parlant_supabase.server.agent_cache.evaluations import use_evaluations

        cache = await _open_cache(store, keep_days)
        if evaluations:
            parts.append(partial(use_evaluations, container, cache.evaluations))
        if embeddings:
            parts.append(partial(use_embeddings, container, cache.embeddings))
    if changed_journeys and isinstance(store, SupabaseSessionStore):
        from parlant_supabase.server.changed_journeys import start_changed_journeys_over

        parts.append(partial(start_changed_journeys_over, container, store))
    lost: list[str] = []
    for use in parts:
        try:
            lost += use()
        except Exception as error:
            # Parlant has been changed where nobody foresaw it; the agent starts all the same.
            lost.append(f"{type(error).__name__}: {error}")
    if lost:
        logger.warning(
            f"warm_start: not all of it works with the installed Parlant {parlant_version()}: "
            f"{'; '.join(lost)}."
        )


async def _open_cache(store: SupabaseStore, keep_days: float) -> AgentCache:
    prefix = cache_prefix(store._connection.prefix)
    connection = connection_of(store._supabase.with_prefix(prefix))
    cache = AgentCache(connection, parlant_version(), keep_days)
    await cache.open()
    connection.rpc.before_closing(cache.close)
    return cache
