-- purpose:  The operand of $in and $nin as order_key()s, so that it folds to a constant array.
-- p_values: a JSON array
-- returns:  jsonb[], one order_key for each element
-- raises:   nothing
create or replace function parlant_internal.order_keys(p_values jsonb)
returns jsonb[]
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
  select coalesce(array_agg(parlant_internal.order_key(v.value)), '{}')
  from jsonb_array_elements(p_values) as v
$$;

comment on function parlant_internal.order_keys(jsonb) is
'Elements of a JSON array as order keys.';

revoke all on function parlant_internal.order_keys(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_keys(jsonb) to service_role;
