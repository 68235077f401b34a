"""One call of a SQL function, from its arguments to its reply.

The only package that imports supabase, postgrest and httpx.
"""
