-- purpose:   Opens the cache of an agent, creating its tables if need be, and reads the values that were used
--            last.
-- p_prefix:  the cache's table prefix
-- p_version: the version of the entries to read
-- returns:   {"cached_evaluations": {"values": {id: text, ...}, "next": {...} | null},
--            "cached_embeddings": {"values": {id: text, ...}, "next": {...} | null}}
-- raises:    PD006 invalid table name, PD007 table not ours
-- example:   select public.parlant_open_cache('parlant_', '3.3.2');
create or replace function public.parlant_open_cache(p_prefix text, p_version text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_collection text;
begin
  for v_collection in
    select e.collection from parlant_internal.cache_collections() as e
    where not exists (
      select from parlant_internal.collections as c
      where c.prefix = p_prefix and c.collection = e.collection
    )
  loop
    perform parlant_internal.create_collection_tables(p_prefix, v_collection);
  end loop;

  return (
    select
      jsonb_object_agg(
        c.collection,
        parlant_internal.cached_page(
          parlant_internal.table_of(p_prefix, c.collection), p_version, null))
    from parlant_internal.cache_collections() as c
    where c.holds_values
  );
end;
$$;

comment on function public.parlant_open_cache(text, text) is
'Opens the cache of an agent, creating its tables if need be.';

revoke all on function public.parlant_open_cache(text, text) from public, anon, authenticated;
grant execute on function public.parlant_open_cache(text, text) to service_role;
