-- purpose:     Reads the values that variables have for keys.
-- p_prefix:    the variable store's table prefix
-- p_variables: [variable id, ...]
-- p_keys:      [key, ...]
-- returns:     [{...}, ...]; of several documents for one variable and key the first, in order of insertion
-- raises:      PD004 collection not found
create or replace function parlant_internal.values_of(p_prefix text, p_variables jsonb, p_keys jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_values jsonb;
begin
  -- Spelled as the index on (variable_id, key) is; what the order keys do not tell apart is compared in full.
  execute format(
    'select coalesce(jsonb_agg(v.data), ''[]'') from ('
    'select distinct on (d.data ->> ''variable_id'', d.data ->> ''key'') d.data from %1$s as d'
    ' where %2$s = any (array(select %3$s from jsonb_array_elements($1) as t))'
    ' and %4$s = any (array(select %3$s from jsonb_array_elements($2) as t))'
    ' and d.data -> ''variable_id'' = any (array(select t.value from jsonb_array_elements($1) as t))'
    ' and d.data -> ''key'' = any (array(select t.value from jsonb_array_elements($2) as t))'
    ' order by d.data ->> ''variable_id'', d.data ->> ''key'', d.seq, d.id) as v',
    parlant_internal.table_of(p_prefix, 'values'),
    parlant_internal.order_key('d.data -> ''variable_id'''),
    parlant_internal.order_key('t.value'),
    parlant_internal.order_key('d.data -> ''key'''))
  into v_values
  using p_variables, p_keys;

  return v_values;
end;
$$;

comment on function parlant_internal.values_of(text, jsonb, jsonb) is
'Values that context variables have for keys.';

revoke all on function parlant_internal.values_of(text, jsonb, jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.values_of(text, jsonb, jsonb) to service_role;
