-- purpose:      Counts the failed documents of every collection.
-- p_prefix:     the store's table prefix; NULL for every prefix
-- p_collection: the collection's name; NULL for every collection
-- returns:      {"collections": [{"prefix": text, "collection": text, "rejected": int, "raised": int,
--               "unknown": int}, ...]}, collections without failed documents among them; unknown are those
--               of tables that were not made by parlant-supabase
-- raises:       nothing
-- example:      select public.parlant_count_failed_documents('parlant_sessions_');
create or replace function public.parlant_count_failed_documents(
  p_prefix text default null,
  p_collection text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_collection record;
  v_counts jsonb;
  v_collections jsonb[] := '{}';
begin
  for v_collection in
    select c.prefix, c.collection, format('%I.%I', 'public', c.failed_table_name) as failed_table
    from parlant_internal.collections as c
    where (p_prefix is null or c.prefix = p_prefix)
      and (p_collection is null or c.collection = p_collection)
      and to_regclass(format('%I.%I', 'public', c.failed_table_name)) is not null
    order by c.prefix, c.collection
  loop
    execute format(
      'select jsonb_build_object('
      ' ''rejected'', count(*) filter (where f.reason = ''rejected''),'
      ' ''raised'', count(*) filter (where starts_with(f.reason, ''raised'')),'
      ' ''unknown'', count(*) filter ('
      'where f.reason <> ''rejected'' and not starts_with(f.reason, ''raised'')))'
      ' from %s as f', v_collection.failed_table)
    into v_counts;

    v_collections := v_collections || (
      v_counts || jsonb_build_object(
        'prefix', v_collection.prefix, 'collection', v_collection.collection));
  end loop;

  return jsonb_build_object('collections', to_jsonb(v_collections));
end;
$$;

comment on function public.parlant_count_failed_documents(text, text) is
'Number of failed documents of every Parlant document collection.';

revoke all on function public.parlant_count_failed_documents(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_count_failed_documents(text, text) to service_role;
