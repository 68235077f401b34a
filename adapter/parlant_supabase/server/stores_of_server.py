"""Finds the stores of this package among those that a server has."""

from __future__ import annotations

from collections.abc import Iterator

from lagom import Container
from parlant.core.context_variables import ContextVariableStore
from parlant.core.customers import CustomerStore
from parlant.core.sessions import SessionStore

from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.store import SupabaseStore

INTERFACES = (SessionStore, CustomerStore, ContextVariableStore)
"""The stores that this package has, as a container knows them."""


def supabase_stores_of(container: Container) -> Iterator[SupabaseStore]:
    """Those of a server's stores that are this package's."""
    for interface in INTERFACES:
        store: object = container[interface]
        if isinstance(store, SupabaseStore):
            yield store


def session_store_of(container: Container) -> SupabaseSessionStore | None:
    """A server's session store; None if it is another package's."""
    store = container[SessionStore]  # type: ignore[type-abstract]
    return store if isinstance(store, SupabaseSessionStore) else None
