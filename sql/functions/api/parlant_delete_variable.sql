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
declare
  v_filter jsonb := jsonb_build_object('variable_id', jsonb_build_object('$eq', p_variable_id));
  v_deleted boolean := parlant_internal.delete_tagged(p_prefix, 'variable', p_variable_id);
begin
  if v_deleted then
    execute format(
      'delete from %s as d where %s',
      parlant_internal.table_of(p_prefix, 'values'), parlant_internal.compile_filter(v_filter))
    using v_filter;
  end if;

  return jsonb_build_object('deleted', v_deleted);
end;
$$;

comment on function public.parlant_delete_variable(text, text) is
'Deletes a Parlant context variable with its tags and values.';

revoke all on function public.parlant_delete_variable(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_variable(text, text) to service_role;
