"""`parlant-supabase import` and `export`: documents on their way into a project and out of it."""
