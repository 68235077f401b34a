-- purpose:  Makes the indexes that come with every collection's table, unless they are there.
-- p_table:  the table's name
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.index_columns(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_keys text;
begin
  foreach v_keys in array '{"creation_utc, id","version, seq"}'::text[] loop
    if not exists (
      select from pg_catalog.pg_index as i
      where i.indrelid = v_table::regclass
        and pg_get_indexdef(i.indexrelid) like '% USING btree (' || v_keys || ')'
    ) then
      execute format('create index on %s (%s)', v_table, v_keys);
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.index_columns(name) is
'Makes the indexes that come with every collection''s table.';

revoke all on function parlant_internal.index_columns(name)
from public, anon, authenticated, service_role;
