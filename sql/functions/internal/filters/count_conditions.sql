-- purpose:  How many conditions a filter holds, as far as they matter for the time and memory that
--           planning it takes: a list that compile_logical() turns into one array counts once.
-- p_filter: a filter, perhaps malformed
-- p_limit:  where to stop counting
-- returns:  the number, or some number above p_limit
-- raises:   nothing
create or replace function parlant_internal.count_conditions(p_filter jsonb, p_limit integer)
returns integer
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Telling whether a list becomes an array costs more than counting a short one.
  c_short_list constant integer := 32;
  v_key text;
  v_value jsonb;
  v_member jsonb;
  v_count integer := 0;
begin
  if jsonb_typeof(p_filter) <> 'object' then
    return 1;
  end if;

  for v_key, v_value in select f.key, f.value from jsonb_each(p_filter) as f loop
    if v_key not in ('$and', '$or') or jsonb_typeof(v_value) <> 'array' then
      v_count := v_count + 1;
    elsif jsonb_array_length(v_value) <= c_short_list
      or parlant_internal.varying_field(v_key, v_value) is null
    then
      for v_member in select m.value from jsonb_array_elements(v_value) as m loop
        v_count := v_count + parlant_internal.count_conditions(v_member, p_limit - v_count);
        exit when v_count > p_limit;
      end loop;
    end if;

    exit when v_count > p_limit;
  end loop;

  return greatest(v_count, 1);
end;
$$;

comment on function parlant_internal.count_conditions(jsonb, integer) is
'Number of conditions of a filter.';

revoke all on function parlant_internal.count_conditions(jsonb, integer)
from public, anon, authenticated;
grant execute on function parlant_internal.count_conditions(jsonb, integer) to service_role;
