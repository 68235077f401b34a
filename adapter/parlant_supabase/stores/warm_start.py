"""Lets a server begin with what other servers of the agent have worked out."""

from __future__ import annotations

from lagom import Container
from parlant.core.context_variables import ContextVariableStore
from parlant.core.customers import CustomerStore
from parlant.core.loggers import Logger
from parlant.core.sessions import SessionStore

from parlant_supabase.agent_cache.cache import AgentCache
from parlant_supabase.database import SupabaseDocumentDatabase, connection_of
from parlant_supabase.parlant_internals import parlant_version
from parlant_supabase.store_layout import cache_prefix
from parlant_supabase.stores.store import SupabaseStore

_INTERFACES = (SessionStore, CustomerStore, ContextVariableStore)


async def warm_start(
    container: Container,
    *,
    evaluations: bool = True,
    embeddings: bool = True,
    keep_days: float = 90,
) -> None:
    """Lets a server begin with what other servers of the agent have worked out.

        p.Server(**stores, configure_container=join_server, initialize_container=warm_start)

    Answers of the language model about guidelines and journeys, and the vectors of the agent's
    texts, are kept in the Supabase project of the stores. Only what no server has asked before is
    asked. Nothing of a conversation is kept.

    An application with an `initialize_container` of its own calls it there. A part is switched off
    with `functools.partial(warm_start, embeddings=False)`.

    It never keeps a server from starting. What fails is logged in one warning, and Parlant's own
    caches are used in its place.

    Args:
        container: The server's; it is changed.
        evaluations: Whether answers about guidelines and journeys are kept.
        embeddings: Whether vectors are kept.
        keep_days: How long that is kept which no server uses.
    """
    logger: Logger = container[Logger]  # type: ignore[type-abstract]
    database = _database(container)
    if database is None:
        logger.warning(
            "warm_start: none of the server's stores is in a Supabase project, so nothing is kept. "
            "Give the server the stores that supabase_stores() opens."
        )
        return
    if not evaluations and not embeddings:
        return
    connection = connection_of(database.with_prefix(cache_prefix(connection_of(database).prefix)))
    cache = AgentCache(connection, parlant_version(), keep_days)
    await cache.open()
    connection.rpc.before_closing(cache.close)
    lost: list[str] = []
    # They import Parlant's engine, which takes seconds wherever no server runs.
    from parlant_supabase.agent_cache.embeddings import use_embeddings
    from parlant_supabase.agent_cache.evaluations import use_evaluations

    for use, values in (
        *([(use_evaluations, cache.evaluations)] if evaluations else ()),
        *([(use_embeddings, cache.embeddings)] if embeddings else ()),
    ):
        try:
            lost += use(container, values)
        except Exception as error:
            # Parlant has been changed where nobody foresaw it; the agent starts all the same.
            lost.append(f"{type(error).__name__}: {error}")
    if lost:
        logger.warning(
            f"warm_start: with the installed Parlant {parlant_version()} not everything is kept "
            f"in the project: {'; '.join(lost)}."
        )


def _database(container: Container) -> SupabaseDocumentDatabase | None:
    for interface in _INTERFACES:
        store: object = container[interface]
        if isinstance(store, SupabaseStore):
            return store._supabase
    return None
