-- purpose:       Gives a customer or a variable a tag, unless it has it. The owner is locked before its
--                associations are looked at, so that the same tag given twice at once is there once.
-- p_prefix:      the store's table prefix
-- p_kind:        'customer' or 'variable'
-- p_association: the association to insert, with "tag_id" and the owner's id
-- returns:       true if it was inserted, false if the owner has the tag, NULL if there is no such owner
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
create or replace function parlant_internal.insert_tag(p_prefix text, p_kind text, p_association jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_owners text := parlant_internal.table_of(p_prefix, p_kind || 's');
  v_owner_id text := p_association ->> (p_kind || '_id');
  v_has_tag boolean;
begin
  perform parlant_internal.lock_keys(array[
    parlant_internal.document_key(v_owners, v_owner_id),
    parlant_internal.document_key(v_table, p_association ->> 'id')]);

  if not parlant_internal.lock_document(v_owners, v_owner_id) then
    return null;
  end if;

  execute format(
    'select exists (select from %s as a where %s and a.data -> ''tag_id'' = $2)',
    v_table, parlant_internal.owner_condition(p_kind, '$1'))
  into v_has_tag
  using v_owner_id, p_association -> 'tag_id';
  if v_has_tag then
    return false;
  end if;

  perform parlant_internal.insert_document(v_table, p_association);
  return true;
end;
$$;

comment on function parlant_internal.insert_tag(text, text, jsonb) is
'Gives a customer or variable a tag, unless it has it.';

revoke all on function parlant_internal.insert_tag(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.insert_tag(text, text, jsonb) to service_role;
