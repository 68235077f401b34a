-- purpose:  Counts the rows of a table of ours: to the row up to 10,000, beyond that by what Postgres has
--           last estimated, so that a count costs the same however large the table is.
-- p_table:  the table's oid
-- returns:  {"count": int, "exact": bool}, or NULL if the caller may not read the table
-- raises:   nothing
create or replace function parlant_internal.count_rows(p_table regclass)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_exact_up_to constant bigint := 10000;
  v_count bigint;
begin
  if not has_table_privilege(p_table, 'select') then
    return null;
  end if;

  execute format('select count(*) from (select from %s limit $1) as t', p_table)
  into v_count
  using c_exact_up_to + 1;

  if v_count > c_exact_up_to then
    return jsonb_build_object(
      'count',
      (
        select greatest(v_count, c.reltuples::bigint)
        from pg_catalog.pg_class as c
        where c.oid = p_table
      ),
      'exact', false);
  end if;

  return jsonb_build_object('count', v_count, 'exact', true);
end;
$$;

comment on function parlant_internal.count_rows(regclass) is
'Number of rows of a table, estimated where it is large.';

revoke all on function parlant_internal.count_rows(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.count_rows(regclass) to service_role;
