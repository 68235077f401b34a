-- purpose:       Opens the collections of a store at once, creating what is missing, and reads the store's
--                metadata and, of each collection, the first documents that its loader has to see.
-- p_prefix:      the store's table prefix
-- p_collections: the collections' names, without metadata
-- p_version:     the store's version
-- returns:       {"metadata": [{...}, ...], "collections": {name: {...}, ...}}; metadata in order of
--                insertion, and of each collection what parlant_get_or_create_collection returns
-- raises:        PD006 invalid table name, PD007 table not ours, PD008 invalid argument
-- example:       select public.parlant_open_store('parlant_sessions_', '{sessions,events}', '0.9.0');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_open_store(p_prefix text, p_collections text[], p_version text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  -- Each has two tables, and what a call creates is locked until it ends.
  c_max_collections constant integer := 50;
  v_collection text;
  v_metadata jsonb;
  v_opened jsonb := '{}';
begin
  if cardinality(p_collections) > c_max_collections then
    raise exception using
      errcode = 'PD008',
      message = format(
        'at most %s collections may be in a call, got %s', c_max_collections, cardinality(p_collections)),
      hint = 'Make several calls.';
  end if;

  perform public.parlant_get_or_create_collection(p_prefix, 'metadata', p_version);
  execute format(
    'select coalesce(jsonb_agg(d.data order by d.seq, d.id), ''[]'') from %s as d',
    parlant_internal.table_of(p_prefix, 'metadata'))
  into v_metadata;

  foreach v_collection in array p_collections loop
    v_opened := v_opened || jsonb_build_object(
      v_collection, public.parlant_get_or_create_collection(p_prefix, v_collection, p_version));
  end loop;

  return jsonb_build_object('metadata', v_metadata, 'collections', v_opened);
end;
$$;

comment on function public.parlant_open_store(text, text[], text) is
'Opens the collections of a Parlant store at once.';

revoke all on function public.parlant_open_store(text, text[], text)
from public, anon, authenticated;
grant execute on function public.parlant_open_store(text, text[], text) to service_role;
