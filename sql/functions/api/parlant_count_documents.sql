-- purpose:  Counts the documents of collections, and their failed ones, to the row and all at one moment, so
--           that an export can be compared with what was there.
-- p_prefix: what the table prefixes begin with
-- returns:  {"collections": [{"prefix": text, "collection": text, "documents": int, "failed": int}, ...]}
-- raises:   nothing
-- example:  select public.parlant_count_documents('parlant_');
--
-- It is stable, so that all counts are of the snapshot of the statement that calls it.
create or replace function public.parlant_count_documents(p_prefix text default '')
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_collection record;
  v_documents bigint;
  v_failed bigint;
  v_collections jsonb[] := '{}';
begin
  for v_collection in
    select
      c.prefix,
      c.collection,
      format('%I.%I', 'public', c.table_name) as documents,
      format('%I.%I', 'public', c.failed_table_name) as failed
    from parlant_internal.collections as c
    where starts_with(c.prefix, p_prefix)
      and to_regclass(format('%I.%I', 'public', c.table_name)) is not null
      and to_regclass(format('%I.%I', 'public', c.failed_table_name)) is not null
    order by c.prefix, c.collection
  loop
    execute format(
      'select (select count(*) from %s), (select count(*) from %s)',
      v_collection.documents, v_collection.failed)
    into v_documents, v_failed;
    v_collections := v_collections || jsonb_build_object(
      'prefix', v_collection.prefix,
      'collection', v_collection.collection,
      'documents', v_documents,
      'failed', v_failed);
  end loop;

  return jsonb_build_object('collections', to_jsonb(v_collections));
end;
$$;

comment on function public.parlant_count_documents(text) is
'Exact number of documents of Parlant document collections.';

revoke all on function public.parlant_count_documents(text) from public, anon, authenticated;
grant execute on function public.parlant_count_documents(text) to service_role;
