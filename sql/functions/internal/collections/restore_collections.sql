-- purpose:  Brings registry, tables and privileges together again: makes empty tables for collections that
--           lack theirs, registers tables of ours that are not registered, and restores the privileges on
--           all of them. Does nothing to what is in order.
-- returns:  nothing
-- raises:   PD007 table not ours
--
-- Registry and tables part company when a table is dropped in the dashboard, the schema is dropped, the
-- schema is copied without rows, or rows are restored without the schema.
create or replace function parlant_internal.restore_collections()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lost record;
  v_table name;
begin
  for v_lost in
    select c.prefix, c.collection, t.table_name
    from parlant_internal.collections as c
    cross join lateral unnest(array[c.table_name, c.failed_table_name]) as t (table_name)
    where to_regclass(format('%I.%I', 'public', t.table_name)) is null
    order by c.prefix, c.collection, t.table_name
  loop
    perform parlant_internal.create_collection_tables(v_lost.prefix, v_lost.collection);
    raise warning 'parlant-supabase: table % was registered and missing, and was made anew, empty',
      v_lost.table_name
      using hint = 'If it was dropped by mistake, restore its rows from a backup.';
  end loop;

  for v_lost in
    select u.prefix, u.collection from parlant_internal.unregistered_tables() as u
  loop
    perform parlant_internal.create_collection_tables(v_lost.prefix, v_lost.collection);
  end loop;

  for v_table in
    select unnest(array[c.table_name, c.failed_table_name]) from parlant_internal.collections as c
  loop
    perform parlant_internal.restore_privileges(v_table);
  end loop;
end;
$$;

comment on function parlant_internal.restore_collections() is
'Brings registry, tables and privileges together again.';

revoke all on function parlant_internal.restore_collections()
from public, anon, authenticated, service_role;
