-- purpose:  The operand of $in and $nin as order_key()s, so that it folds to a constant array.
-- p_values: a JSON array
-- returns:  jsonb[], one order_key for each element
-- raises:   nothing
create or replace function parlant_internal.order_keys(p_values jsonb)
returns jsonb[]
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys jsonb[];
begin
  execute format(
    'select coalesce(array_agg(%s), ''{}'') from jsonb_array_elements($1) as v',
    parlant_internal.order_key('v.value'))
  into v_keys
  using p_values;

  return v_keys;
end;
$$;

comment on function parlant_internal.order_keys(jsonb) is
'Elements of a JSON array as order keys.';

revoke all on function parlant_internal.order_keys(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_keys(jsonb) to service_role;
