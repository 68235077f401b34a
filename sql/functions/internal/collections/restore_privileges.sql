-- purpose:  Gives a table of ours, as a copy or a dump may have left it, what it needs: row level security,
--           service_role's privileges, and none for anon and authenticated that come of default privileges of
--           the project. Those grant everything, truncate too, which nobody grants by hand; narrower grants
--           of the user's own are kept, and so are policies.
-- p_table:  the table's name
-- returns:  nothing
-- raises:   nothing
--
-- It looks before it alters, so that a migration locks no table that is in order.
create or replace function parlant_internal.restore_privileges(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_sequence text := pg_get_serial_sequence(v_table, 'seq');
  v_role text;
begin
  if not (select c.relrowsecurity from pg_catalog.pg_class as c where c.oid = v_table::regclass) then
    execute format('alter table %s enable row level security', v_table);
  end if;

  foreach v_role in array '{anon,authenticated}'::text[] loop
    if has_table_privilege(v_role, v_table, 'truncate') then
      execute format('revoke all on table %s from public, %I', v_table, v_role);
    end if;
    if has_sequence_privilege(v_role, v_sequence, 'update') then
      execute format('revoke all on sequence %s from public, %I', v_sequence, v_role);
    end if;
  end loop;

  execute format('grant select, insert, update, delete on table %s to service_role', v_table);
  execute format('grant select, update on sequence %s to service_role', v_sequence);
end;
$$;

comment on function parlant_internal.restore_privileges(name) is
'Brings the privileges on a table of ours into order.';

revoke all on function parlant_internal.restore_privileges(name)
from public, anon, authenticated, service_role;
