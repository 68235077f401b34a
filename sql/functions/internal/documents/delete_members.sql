-- purpose:    Deletes all documents that belong to another one, whose key and row the caller holds. They
--             are many and not known before, and others may be writing some of them. So it takes those
--             that nobody holds; if any is held, it lets go of all, waits for that one and begins again.
-- p_tables:   the tables, which table_of() names
-- p_kind:     what the owner is: 'session', 'customer' or 'variable'
-- p_owner_id: the owner's id
-- returns:    how many documents were deleted from all tables
-- raises:     nothing
create or replace function parlant_internal.delete_members(
  p_tables regclass[],
  p_kind text,
  p_owner_id text
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Under row level security a document may be seen and yet never be ours to delete.
  c_attempts_under_policies constant integer := 10;
  v_attempts integer := 0;
  v_deleted integer;
  v_total bigint;
  v_condition text := parlant_internal.owner_condition(p_kind, '$1');
  v_table regclass;
  v_id text;
begin
  loop
    v_attempts := v_attempts + 1;
    v_total := 0;
    v_id := null;

    begin
      for v_position in 1..cardinality(p_tables) loop
        v_table := p_tables[v_position];
        execute format(
          'delete from %1$s as d where d.ctid = any (array('
          'select a.ctid from %1$s as a where %2$s for update skip locked))',
          v_table, v_condition)
        using p_owner_id;
        get diagnostics v_deleted = row_count;
        v_total := v_total + v_deleted;

        execute format('select a.id from %s as a where %s limit 1', v_table, v_condition)
        into v_id
        using p_owner_id;
        if v_id is not null
          and not (v_attempts > c_attempts_under_policies and row_security_active(v_table))
        then
          raise no_data_found;
        end if;
      end loop;

      return v_total;
    exception
      when no_data_found then
        null;
    end;

    begin
      execute format('select a.id from %s as a where a.id = $1 for update', v_table) into v_id using v_id;
      raise no_data_found;
    exception
      when no_data_found then
        null;
    end;
  end loop;
end;
$$;

comment on function parlant_internal.delete_members(regclass[], text, text) is
'Deletes all documents that belong to another one.';

revoke all on function parlant_internal.delete_members(regclass[], text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.delete_members(regclass[], text, text) to service_role;
