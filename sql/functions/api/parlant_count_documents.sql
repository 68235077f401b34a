-- purpose:  Counts the documents of collections, and their failed ones, to the row and all at one moment, so
--           that an export can be compared with what was there.
-- p_prefix: what the table prefixes begin with
-- p_exact:  false estimates the counts of large tables, at a bounded cost
-- returns:  {"collections": [{"prefix": text, "collection": text, "table": text, "documents": int | null,
--            "failed_table": text, "failed": int | null}, ...]};
--           null is the count of a table that is missing or, without p_exact, that the caller may not read
-- raises:   nothing
-- example:  select public.parlant_count_documents('parlant_');
--
-- It is stable, so that all counts are of the snapshot of the statement that calls it.
drop function if exists public.parlant_count_documents(text);

create or replace function public.parlant_count_documents(
  p_prefix text default '',
  p_exact boolean default true
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_collection record;
  v_table name;
  v_oid regclass;
  v_count bigint;
  v_counts jsonb[];
  v_collections jsonb[] := '{}';
begin
  for v_collection in
    select c.prefix, c.collection, c.table_name, c.failed_table_name
    from parlant_internal.collections as c
    where starts_with(c.prefix, p_prefix)
    order by c.prefix, c.collection
  loop
    v_counts := '{}';
    foreach v_table in array array[v_collection.table_name, v_collection.failed_table_name] loop
      v_oid := to_regclass(format('%I.%I', 'public', v_table));
      if v_oid is null then
        v_count := null;
      elsif p_exact then
        execute format('select count(*) from %s', v_oid)
        into v_count;
      else
        v_count := (parlant_internal.count_rows(v_oid) ->> 'count')::bigint;
      end if;

      v_counts := v_counts || coalesce(to_jsonb(v_count), 'null');
    end loop;

    v_collections := v_collections || jsonb_build_object(
      'prefix', v_collection.prefix,
      'collection', v_collection.collection,
      'table', v_collection.table_name,
      'documents', v_counts[1],
      'failed_table', v_collection.failed_table_name,
      'failed', v_counts[2]);
  end loop;

  return jsonb_build_object('collections', to_jsonb(v_collections));
end;
$$;

comment on function public.parlant_count_documents(text, boolean) is
'Number of documents of Parlant document collections.';

revoke all on function public.parlant_count_documents(text, boolean) from public, anon, authenticated;
grant execute on function public.parlant_count_documents(text, boolean) to service_role;
