-- purpose:  Takes a tag from a customer or a variable. The owner is locked before its association.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     the owner's id
-- p_tag_id: the tag's id
-- returns:  whether an association was deleted
-- raises:   PD004 collection not found
create or replace function parlant_internal.remove_tag(
  p_prefix text,
  p_kind text,
  p_id text,
  p_tag_id text
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_filter jsonb := jsonb_build_object(
    p_kind || '_id', jsonb_build_object('$eq', p_id),
    'tag_id', jsonb_build_object('$eq', p_tag_id));
  v_owners text := parlant_internal.table_of(p_prefix, p_kind || 's');
  v_association_id text;
  v_removed integer;
begin
  perform parlant_internal.lock_keys(array[parlant_internal.document_key(v_owners, p_id)]);
  perform parlant_internal.lock_document(v_owners, p_id);

  v_association_id := parlant_internal.lock_first_match(v_table, v_filter);
  execute format('delete from %s as d where d.id = $1', v_table) using v_association_id;
  get diagnostics v_removed = row_count;

  return v_removed > 0;
end;
$$;

comment on function parlant_internal.remove_tag(text, text, text, text) is
'Takes a tag from a customer or variable.';

revoke all on function parlant_internal.remove_tag(text, text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.remove_tag(text, text, text, text) to service_role;
