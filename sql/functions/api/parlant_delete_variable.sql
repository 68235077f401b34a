-- purpose:       Deletes a variable with its tags and values.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- returns:       {"deleted": bool}; nothing is deleted if there is no such variable
-- raises:        PD004 collection not found
-- example:       select public.parlant_delete_variable('parlant_context_variables_', 'v1');
create or replace function public.parlant_delete_variable(p_prefix text, p_variable_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'deleted', parlant_internal.delete_tagged(
      p_prefix, 'variable', p_variable_id, '{variable_tag_associations,values}'));
end;
$$;

comment on function public.parlant_delete_variable(text, text) is
'Deletes a Parlant context variable with its tags and values.';

revoke all on function public.parlant_delete_variable(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_variable(text, text) to service_role;
