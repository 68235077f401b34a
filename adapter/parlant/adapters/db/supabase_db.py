"""The adapter under the name that Parlant's own adapters have; see `parlant_supabase`."""

from parlant_supabase.collection import SupabaseDocumentCollection
from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.errors import SupabaseAdapterError

__all__ = ["SupabaseAdapterError", "SupabaseDocumentCollection", "SupabaseDocumentDatabase"]
