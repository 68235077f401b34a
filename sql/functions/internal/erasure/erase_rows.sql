-- purpose:       Deletes some of the rows of a customer or of sessions from one table. Rows that another
--                transaction holds are passed over, so it never waits.
-- p_table:       the table, which personal_tables() names
-- p_collection:  the collection
-- p_is_failed:   whether it is the table of the collection's failed documents
-- p_customer_id: the customer's id, or NULL
-- p_session_ids: the ids of the sessions
-- p_limit:       the most rows to delete; NULL for all
-- returns:       how many rows were deleted
-- raises:        nothing
create or replace function parlant_internal.erase_rows(
  p_table regclass,
  p_collection text,
  p_is_failed boolean,
  p_customer_id text,
  p_session_ids text[],
  p_limit bigint
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_erased bigint;
begin
  execute format(
    'delete from %1$s as d'
    ' where d.ctid = any (array(select a.ctid from %1$s as a where %2$s limit $3 for update skip locked))',
    p_table, parlant_internal.personal_condition(p_collection, p_is_failed))
  using p_customer_id, p_session_ids, p_limit;
  get diagnostics v_erased = row_count;

  return v_erased;
end;
$$;

comment on function parlant_internal.erase_rows(regclass, text, boolean, text, text[], bigint) is
'Deletes some of the rows of a customer or of sessions from one table.';

revoke all on function parlant_internal.erase_rows(regclass, text, boolean, text, text[], bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.erase_rows(regclass, text, boolean, text, text[], bigint)
to service_role;
