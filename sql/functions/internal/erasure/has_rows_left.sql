-- purpose:       Whether rows of a customer or of sessions are left in a table, as those are that another
--                transaction holds. A caller that has written nothing waits for one, so that it is not
--                called again in vain; any other would make others wait meanwhile.
-- p_table:       the table's quoted, qualified name
-- p_condition:   the condition over the alias a, $1 the customer and $2 the sessions
-- p_customer_id: the customer's id, or NULL
-- p_session_ids: the ids of the sessions
-- p_waits:       whether to wait
-- returns:       whether there are any
-- raises:        nothing
create or replace function parlant_internal.has_rows_left(
  p_table text,
  p_condition text,
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
  v_found boolean;
begin
  execute format('select true from %s as a where %s limit 1', p_table, p_condition)
  into v_found
  using p_customer_id, p_session_ids;

  if v_found and p_waits then
    execute format('select true from %s as a where %s limit 1 for update', p_table, p_condition)
    into v_found
    using p_customer_id, p_session_ids;
    return true;
  end if;

  return coalesce(v_found, false);
end;
$$;

comment on function parlant_internal.has_rows_left(text, text, text, text[], boolean) is
'Whether rows of a customer or of sessions are left in a table.';

revoke all on function parlant_internal.has_rows_left(text, text, text, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.has_rows_left(text, text, text, text[], boolean)
to service_role;
