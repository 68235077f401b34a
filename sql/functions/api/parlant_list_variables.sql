-- purpose:  Reads variables with their tags, ordered by (creation_utc, id).
-- p_prefix: the store's table prefix
-- p_tags:   only variables with any of these tags, or, if empty, without tags; NULL for all
-- returns:  {"items": [{"document": {...}, "tags": [...]}, ...]}
-- raises:   PD004 collection not found
-- example:  select public.parlant_list_variables('parlant_context_variables_', '{agent:a1}');
create or replace function public.parlant_list_variables(p_prefix text, p_tags text[] default null)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'items', parlant_internal.list_tagged(p_prefix, 'variable', p_tags, null, null, null) -> 'items');
end;
$$;

comment on function public.parlant_list_variables(text, text[]) is
'Parlant context variables with their tags.';

revoke all on function public.parlant_list_variables(text, text[])
from public, anon, authenticated;
grant execute on function public.parlant_list_variables(text, text[]) to service_role;
