-- purpose:       Whether rows of a customer or of sessions are left in a table, as those are that another
--                transaction holds. A caller that has written nothing waits for one, so that it is not
--                called again in vain; any other would make others wait meanwhile.
-- p_table:       the table, which personal_tables() names
-- p_collection:  the collection
-- p_is_failed:   whether it is the table of the collection's failed documents
-- p_customer_id: the customer's id, or NULL
-- p_session_ids: the ids of the sessions
-- p_waits:       whether to wait
-- returns:       whether there are any
-- raises:        nothing
create or replace function parlant_internal.has_rows_left(
  p_table regclass,
  p_collection text,
  p_is_failed boolean,
  p_customer_id text,
  p_session_ids text[],
  p_waits boolean
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_condition text := parlant_internal.personal_condition(p_collection, p_is_failed);
  v_found boolean;
begin
  execute format('select true from %s as a where %s limit 1', p_table, v_condition)
  into v_found
  using p_customer_id, p_session_ids;

  if v_found and p_waits then
    execute format('select true from %s as a where %s limit 1 for update', p_table, v_condition)
    into v_found
    using p_customer_id, p_session_ids;
    return true;
  end if;

  return coalesce(v_found, false);
end;
$$;

comment on function parlant_internal.has_rows_left(regclass, text, boolean, text, text[], boolean) is
'Whether rows of a customer or of sessions are left in a table.';

revoke all on function parlant_internal.has_rows_left(regclass, text, boolean, text, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.has_rows_left(regclass, text, boolean, text, text[], boolean)
to service_role;
