-- purpose:       Gives a variable a tag, unless it has it.
-- p_prefix:      the store's table prefix
-- p_association: the association to insert, with "variable_id" and "tag_id"
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the variable after the change; null if
--                there is no such variable, or none that the caller may change
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:       select public.parlant_add_variable_tag(
--                  'parlant_context_variables_', '{"id": "a1", "variable_id": "v1", "tag_id": "vip"}');
create or replace function public.parlant_add_variable_tag(p_prefix text, p_association jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if parlant_internal.insert_tag(p_prefix, 'variable', p_association) is null then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'variable', p_association ->> 'variable_id');
end;
$$;

comment on function public.parlant_add_variable_tag(text, jsonb) is
'Gives a Parlant context variable a tag.';

revoke all on function public.parlant_add_variable_tag(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_add_variable_tag(text, jsonb) to service_role;
