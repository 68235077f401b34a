"""Parlant's session, customer and context variable stores, one request per operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlant_supabase.stores.context_variable_store import SupabaseContextVariableStore
from parlant_supabase.stores.customer_store import SupabaseCustomerStore
from parlant_supabase.stores.ids import RandomIdGenerator
from parlant_supabase.stores.session_listener import SupabaseSessionListener
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.wiring import SupabaseStores, supabase_stores

if TYPE_CHECKING:
    from parlant_supabase.server.joining import join_server
    from parlant_supabase.server.warm_start import warm_start

__all__ = [
    "RandomIdGenerator",
    "SupabaseContextVariableStore",
    "SupabaseCustomerStore",
    "SupabaseSessionListener",
    "SupabaseSessionStore",
    "SupabaseStores",
    "join_server",
    "supabase_stores",
    "warm_start",
]


def __getattr__(name: str) -> object:
    # On demand, because server/ imports the stores.
    if name == "join_server":
        from parlant_supabase.server.joining import join_server

        return join_server
    if name == "warm_start":
        from parlant_supabase.server.warm_start import warm_start

        return warm_start
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
