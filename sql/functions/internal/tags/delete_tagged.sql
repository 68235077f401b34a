-- purpose:       Deletes a customer or a variable, then what belongs to it.
-- p_prefix:      the store's table prefix
-- p_kind:        'customer' or 'variable'
-- p_id:          its id
-- p_collections: the collections of what belongs to it
-- returns:       whether it was there; what belongs to it is left alone if it was not
-- raises:        PD004 collection not found
create or replace function parlant_internal.delete_tagged(
  p_prefix text,
  p_kind text,
  p_id text,
  p_collections text[]
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_kind || 's');
  v_deleted integer;
begin
  perform parlant_internal.lock_keys(array[parlant_internal.document_key(v_table, p_id)]);

  execute format('delete from %s as d where d.id = $1', v_table) using p_id;
  get diagnostics v_deleted = row_count;

  if v_deleted = 0 then
    return false;
  end if;

  perform parlant_internal.delete_members(
    array(select parlant_internal.table_of(p_prefix, c.collection) from unnest(p_collections) as c (collection)),
    p_kind,
    p_id);
  return true;
end;
$$;

comment on function parlant_internal.delete_tagged(text, text, text, text[]) is
'Deletes a customer or variable with what belongs to it.';

revoke all on function parlant_internal.delete_tagged(text, text, text, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.delete_tagged(text, text, text, text[]) to service_role;
