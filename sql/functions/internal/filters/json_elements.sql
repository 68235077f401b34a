-- purpose:  The operand of $in and $nin as it is, where order_key() is not enough to tell values apart.
-- p_values: a JSON array
-- returns:  jsonb[]
-- raises:   nothing
create or replace function parlant_internal.json_elements(p_values jsonb)
returns jsonb[]
language sql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements(p_values) as v
$$;

comment on function parlant_internal.json_elements(jsonb) is
'Elements of a JSON array as jsonb.';

revoke all on function parlant_internal.json_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.json_elements(jsonb) to service_role;
