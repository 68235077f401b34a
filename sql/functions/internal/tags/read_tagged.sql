-- purpose:  Reads a customer or a variable with its tags.
-- p_prefix: the store's table prefix
-- p_kind:   'customer' or 'variable'
-- p_id:     its id
-- returns:  {"document": {...} | null, "tags": [tag id, ...]}
-- raises:   PD004 collection not found
create or replace function parlant_internal.read_tagged(p_prefix text, p_kind text, p_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reply jsonb;
begin
  execute format(
    'select jsonb_build_object('
    '''document'', (select d.data from %s as d where d.id = $1), ''tags'', %s)',
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    parlant_internal.tags_expression(
      p_kind, parlant_internal.table_of(p_prefix, p_kind || '_tag_associations'), '$1'))
  into v_reply
  using p_id;

  return v_reply;
end;
$$;

comment on function parlant_internal.read_tagged(text, text, text) is
'A customer or variable with its tags.';

revoke all on function parlant_internal.read_tagged(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.read_tagged(text, text, text) to service_role;
