-- purpose:  The collections of an agent's cache. store_layout.py of the adapter holds the same.
-- returns:  a row for each collection that holds cached values, then the one that holds their statistics
-- raises:   nothing
create or replace function parlant_internal.cache_collections()
returns table (collection text, holds_values boolean)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('cached_evaluations', true),
    ('cached_embeddings', true),
    ('cache_statistics', false)
$$;

comment on function parlant_internal.cache_collections() is
'The collections of an agent''s cache.';

revoke all on function parlant_internal.cache_collections() from public, anon, authenticated;
grant execute on function parlant_internal.cache_collections() to service_role;
