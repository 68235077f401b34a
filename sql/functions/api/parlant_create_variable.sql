-- purpose:        Inserts a variable with its tags, or finds it. Parlant derives the id from what the
--                 variable is created with, so one of the same id and name is the one that an earlier run of
--                 the application created, whatever has been changed in it since: it stays as it is and gets
--                 the tags that it lacks.
-- p_prefix:       the store's table prefix
-- p_variable:     the variable
-- p_associations: JSON array of the associations with its tags
-- returns:        {"created": bool, "document": {...}, "tags": [tag id, ...]}
-- raises:         PD002 invalid document, PD003 duplicate document (same id, another name), PD004 collection
--                 not found, PD008 invalid argument
-- example:        select public.parlant_create_variable(
--                   'parlant_context_variables_', '{"id": "v1", "name": "plan"}');
--
-- Lock order, here and wherever a variable and what belongs to it change together: the variable first, then
-- its tags, then its values.
create or replace function public.parlant_create_variable(
  p_prefix text,
  p_variable jsonb,
  p_associations jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'variables');
  v_associations text := parlant_internal.table_of(p_prefix, 'variable_tag_associations');
  v_variable jsonb := parlant_internal.read_document(p_variable);
  v_stored jsonb;
  v_created boolean := false;
begin
  perform parlant_internal.require_list(coalesce(p_associations, '[]'), 'associations', 'Write [{"id": "...", ...}].', 200);
  perform parlant_internal.lock_keys(
    parlant_internal.document_key(v_table, v_variable ->> 'id') || array(
      select k.key
      from jsonb_array_elements(p_associations) as a
      cross join unnest(array[
        parlant_internal.document_key(v_table, a.value ->> 'variable_id'),
        parlant_internal.document_key(v_associations, a.value ->> 'id')
      ]) as k (key)));

  execute format('select d.data from %s as d where d.id = $1', v_table)
  into v_stored
  using v_variable ->> 'id';

  if v_stored is null or v_stored -> 'name' is distinct from v_variable -> 'name' then
    v_created := parlant_internal.insert_document(v_table, v_variable);
  end if;

  if v_created then
    perform parlant_internal.insert_document(v_associations, a.value)
    from jsonb_array_elements(p_associations) as a;
  else
    perform parlant_internal.insert_tag(p_prefix, 'variable', a.value)
    from jsonb_array_elements(p_associations) as a;
  end if;

  return jsonb_build_object('created', v_created)
    || parlant_internal.read_tagged(p_prefix, 'variable', v_variable ->> 'id');
end;
$$;

comment on function public.parlant_create_variable(text, jsonb, jsonb) is
'Inserts a Parlant context variable with its tags, or finds it.';

revoke all on function public.parlant_create_variable(text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_variable(text, jsonb, jsonb) to service_role;
