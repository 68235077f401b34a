-- purpose:       Reads a variable with its tags.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}
-- raises:        PD004 collection not found
-- example:       select public.parlant_read_variable('parlant_context_variables_', 'v1');
create or replace function public.parlant_read_variable(p_prefix text, p_variable_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_read_variable(text, text) is
'A Parlant context variable with its tags.';

revoke all on function public.parlant_read_variable(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_variable(text, text) to service_role;
