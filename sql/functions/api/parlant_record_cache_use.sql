-- purpose:      Records that cached values were used, and counts hits and misses. The time of the last use
--               is written at most once a day for an entry, because writing it rewrites the value.
-- p_prefix:     the cache's table prefix
-- p_collection: cached_evaluations or cached_embeddings
-- p_ids:        the ids of the entries that were used, 900 at most
-- p_hits:       how many values were found since the last call
-- p_misses:     how many were not
-- returns:      {"touched": int}, the number of entries whose last use was written
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_record_cache_use('parlant_', 'cached_evaluations', '{5f2c}', 1, 0);
create or replace function public.parlant_record_cache_use(
  p_prefix text,
  p_collection text,
  p_ids text[],
  p_hits bigint,
  p_misses bigint
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_statistics text := parlant_internal.table_of(p_prefix, 'cache_statistics');
  v_now text := parlant_internal.utc_now();
  v_touched integer;
begin
  perform parlant_internal.require_cache_collection(p_collection);
  perform parlant_internal.require_list(to_jsonb(p_ids), 'ids', 'Write {id}.', 900);

  perform parlant_internal.lock_keys(
    array(select parlant_internal.document_key(v_table, i.id) from unnest(p_ids) as i (id))
    || parlant_internal.document_key(v_statistics, p_collection));

  execute format(
    'update %s as d set data = d.data || jsonb_build_object(''last_used_utc'', $2)'
    ' where d.id = any ($1) and (d.data ->> ''last_used_utc'')::timestamptz < $2::timestamptz - interval ''1 day''',
    v_table)
  using p_ids, v_now;
  get diagnostics v_touched = row_count;

  execute format(
    'insert into %s as d (data)'
    ' values (jsonb_build_object('
    '  ''id'', $1, ''version'', '''', ''creation_utc'', $2, ''hits'', $3, ''misses'', $4))'
    ' on conflict (id) do update set data = d.data || jsonb_build_object('
    '  ''hits'', (d.data ->> ''hits'')::bigint + $3, ''misses'', (d.data ->> ''misses'')::bigint + $4)',
    v_statistics)
  using p_collection, v_now, coalesce(p_hits, 0), coalesce(p_misses, 0);

  return jsonb_build_object('touched', v_touched);
end;
$$;

comment on function public.parlant_record_cache_use(text, text, text[], bigint, bigint) is
'Records the use of cached values of an agent.';

revoke all on function public.parlant_record_cache_use(text, text, text[], bigint, bigint)
from public, anon, authenticated;
grant execute on function public.parlant_record_cache_use(text, text, text[], bigint, bigint)
to service_role;
