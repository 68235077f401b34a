-- purpose:       Sets fields of a variable. Changes to other fields at the same moment are kept.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- p_params:      fields and values to set
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the variable after the change; null if
--                there is no such variable, or none that the caller may change
-- raises:        PD002 invalid document, PD004 collection not found
-- example:       select public.parlant_update_variable(
--                  'parlant_context_variables_', 'v1', '{"name": "plan"}');
create or replace function public.parlant_update_variable(
  p_prefix text,
  p_variable_id text,
  p_params jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_updated integer;
begin
  execute format(
    'update %s as d set data = d.data || $2 where d.id = $1',
    parlant_internal.table_of(p_prefix, 'variables'))
  using p_variable_id, parlant_internal.read_document(p_params);
  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_update_variable(text, text, jsonb) is
'Sets fields of a Parlant context variable.';

revoke all on function public.parlant_update_variable(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_update_variable(text, text, jsonb) to service_role;
