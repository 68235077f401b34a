-- purpose:      Reads a page of cached values, those that were used last first, or the values of some ids.
-- p_prefix:     the cache's table prefix
-- p_collection: cached_evaluations or cached_embeddings
-- p_version:    the version of the entries
-- p_after:      "next" of the page before, or NULL for the first
-- p_ids:        the ids of the entries to read, 1,000 at most; NULL for a page
-- returns:      {"values": {id: text, ...}, "next": {...} | null}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_list_cached('parlant_', 'cached_embeddings', '3.3.2');
create or replace function public.parlant_list_cached(
  p_prefix text,
  p_collection text,
  p_version text,
  p_after jsonb default null,
  p_ids text[] default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_values jsonb;
begin
  perform parlant_internal.require_cache_collection(p_collection);

  if p_ids is null then
    return parlant_internal.cached_page(v_table, p_version, p_after);
  end if;

  perform parlant_internal.require_list(to_jsonb(p_ids), 'ids', 'Write {id}.', 1000);
  execute format(
    'select coalesce(jsonb_object_agg(d.id, d.data ->> ''value''), ''{}'') from %s as d'
    ' where d.id = any ($1) and d.version = $2',
    v_table)
  into v_values
  using p_ids, p_version;

  return jsonb_build_object('values', v_values, 'next', null);
end;
$$;

comment on function public.parlant_list_cached(text, text, text, jsonb, text[]) is
'Cached values of an agent.';

revoke all on function public.parlant_list_cached(text, text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_list_cached(text, text, text, jsonb, text[]) to service_role;
