-- purpose:  Leaves a table of ours to service_role alone: row level security on, no policy of ours, grants
--           to nobody else, whatever the project's default privileges have granted. Policies that the user
--           wrote are kept.
-- p_table:  the table's name
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.lock_down_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %I.%I enable row level security', 'public', p_table);
  execute format(
    'revoke all on table %I.%I, %s from public, anon, authenticated, service_role',
    'public', p_table, pg_get_serial_sequence(format('%I.%I', 'public', p_table), 'seq'));
  execute format(
    'grant select, insert, update, delete on table %I.%I to service_role', 'public', p_table);
  -- For the doctor, who compares the sequence with the rows, and for what puts it right.
  execute format(
    'grant select, update on sequence %s to service_role',
    pg_get_serial_sequence(format('%I.%I', 'public', p_table), 'seq'));
end;
$$;

comment on function parlant_internal.lock_down_table(name) is
'Enables row level security and grants a table to service_role alone.';

revoke all on function parlant_internal.lock_down_table(name)
from public, anon, authenticated, service_role;
