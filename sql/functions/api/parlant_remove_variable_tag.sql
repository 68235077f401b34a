-- purpose:       Takes a tag from a variable.
-- p_prefix:      the store's table prefix
-- p_variable_id: the variable's id
-- p_tag_id:      the tag's id
-- returns:       {"removed": bool, "document": {...} | null, "tags": [tag id, ...]}, the variable
--                after the change
-- raises:        PD004 collection not found
-- example:       select public.parlant_remove_variable_tag('parlant_context_variables_', 'v1', 'vip');
create or replace function public.parlant_remove_variable_tag(
  p_prefix text,
  p_variable_id text,
  p_tag_id text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_removed boolean := parlant_internal.remove_tag(p_prefix, 'variable', p_variable_id, p_tag_id);
begin
  return jsonb_build_object('removed', v_removed)
    || parlant_internal.read_tagged(p_prefix, 'variable', p_variable_id);
end;
$$;

comment on function public.parlant_remove_variable_tag(text, text, text) is
'Takes a tag from a Parlant context variable.';

revoke all on function public.parlant_remove_variable_tag(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_remove_variable_tag(text, text, text) to service_role;
