-- purpose:  Deletes a customer or a variable, then its tags.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     its id
-- returns:  whether it was there; its tags are left alone if it was not
-- raises:   PD004 collection not found
create or replace function parlant_internal.delete_tagged(p_prefix text, p_kind text, p_id text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted integer;
begin
  execute format(
    'delete from %s as d where d.id = $1', parlant_internal.table_of(p_prefix, p_kind || 's'))
  using p_id;
  get diagnostics v_deleted = row_count;

  if v_deleted = 0 then
    return false;
  end if;

  execute format(
    'delete from %s as a where %s',
    parlant_internal.table_of(p_prefix, p_kind || '_tag_associations'),
    parlant_internal.owner_condition(p_kind, '$1'))
  using p_id;
  return true;
end;
$$;

comment on function parlant_internal.delete_tagged(text, text, text) is
'Deletes a customer or variable with its tags.';

revoke all on function parlant_internal.delete_tagged(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.delete_tagged(text, text, text) to service_role;
