-- purpose: Locks a document until the end of the transaction, against whoever else locks, changes or
--          deletes it; readers do not wait. Waits for whoever holds it.
-- p_table: the table, which table_of() names
-- p_id:    the document's id
-- returns: whether the document is there
-- raises:  nothing
create or replace function parlant_internal.lock_document(p_table regclass, p_id text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id text;
begin
  execute format('select d.id from %s as d where d.id = $1 for no key update', p_table)
  into v_id
  using p_id;

  return v_id is not null;
end;
$$;

comment on function parlant_internal.lock_document(regclass, text) is
'Locks a document and tells whether it is there.';

revoke all on function parlant_internal.lock_document(regclass, text)
from public, anon, authenticated;
grant execute on function parlant_internal.lock_document(regclass, text) to service_role;
