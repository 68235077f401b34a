"""The checks and findings of `parlant-supabase doctor`. Knows no terminal."""
