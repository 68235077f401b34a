-- purpose:      Stores cached values, each in the place of the one with its id. Any number of servers may
--               store the same.
-- p_prefix:     the cache's table prefix
-- p_collection: cached_evaluations or cached_embeddings
-- p_version:    the version of the entries
-- p_values:     {id: text, ...}, 1,000 at most
-- returns:      {"saved": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_save_cached(
--                 'parlant_', 'cached_evaluations', '3.3.2', '{"5f2c": "{\"is_continuous\": false}"}');
create or replace function public.parlant_save_cached(
  p_prefix text,
  p_collection text,
  p_version text,
  p_values jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_now text := parlant_internal.utc_now();
  v_saved integer;
begin
  perform parlant_internal.require_cache_collection(p_collection);

  if jsonb_typeof(p_values) is distinct from 'object'
    or exists (select from jsonb_each(p_values) as e where jsonb_typeof(e.value) <> 'string')
  then
    raise exception using
      errcode = 'PD008',
      message = 'the values must be an object of texts',
      hint = 'Write {"id": "text"}.';
  end if;

  -- Servers that store the same values at once take turns, and never wait in a circle.
  perform parlant_internal.lock_keys(array(
    select parlant_internal.document_key(v_table, e.key) from jsonb_each_text(p_values) as e));

  execute format(
    'insert into %s as d (data)'
    ' select jsonb_build_object('
    '  ''id'', e.key, ''version'', $2, ''creation_utc'', $3, ''last_used_utc'', $3, ''value'', e.value)'
    ' from jsonb_each_text($1) as e'
    ' on conflict (id) do update set data = excluded.data',
    v_table)
  using p_values, p_version, v_now;
  get diagnostics v_saved = row_count;

  return jsonb_build_object('saved', v_saved);
end;
$$;

comment on function public.parlant_save_cached(text, text, text, jsonb) is
'Stores cached values of an agent.';

revoke all on function public.parlant_save_cached(text, text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_save_cached(text, text, text, jsonb) to service_role;
