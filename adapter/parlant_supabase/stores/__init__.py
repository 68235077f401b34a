"""Parlant's session, customer and context variable stores, one request per operation."""

from parlant_supabase.stores.context_variable_store import SupabaseContextVariableStore
from parlant_supabase.stores.customer_store import SupabaseCustomerStore
from parlant_supabase.stores.ids import RandomIdGenerator
from parlant_supabase.stores.session_listener import SupabaseSessionListener, share_waiting
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.wiring import SupabaseStores, supabase_stores

__all__ = [
    "RandomIdGenerator",
    "SupabaseContextVariableStore",
    "SupabaseCustomerStore",
    "SupabaseSessionListener",
    "SupabaseSessionStore",
    "SupabaseStores",
    "share_waiting",
    "supabase_stores",
]
