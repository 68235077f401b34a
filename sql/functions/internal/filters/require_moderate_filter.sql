-- purpose:  Refuses a filter that would take too much memory or time to compile or to plan, before either is
--           begun: no statement_timeout ends planning.
-- p_filter: a filter, perhaps malformed
-- returns:  nothing
-- raises:   PD001 invalid filter
create or replace function parlant_internal.require_moderate_filter(p_filter jsonb)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A smaller filter is not measured: it can be neither too deep for its size nor hold too many conditions.
  c_harmless_bytes constant integer := 8000;
  -- A level holds some nine copies of what is below it, 180 MB in all. A logical operator takes two levels.
  c_max_bytes_of_levels constant integer := 20000000;
  -- Any filter may nest its operators three times.
  c_free_levels constant integer := 8;
  -- They take Postgres a second to plan.
  c_max_conditions constant integer := 1600;
  v_bytes integer := pg_column_size(p_filter);
begin
  if v_bytes <= c_harmless_bytes then
    return;
  end if;

  if jsonb_path_exists(
    p_filter, format('$.**{%s}', c_free_levels + c_max_bytes_of_levels / v_bytes)::jsonpath)
  then
    perform parlant_internal.filter_error(
      '{}', 'nested too deep for its size', 'Flatten the $and and $or operators.');
  end if;

  if parlant_internal.count_conditions(p_filter, c_max_conditions) > c_max_conditions then
    perform parlant_internal.filter_error(
      '{}', 'too many conditions',
      'Ask for several values of one field with $in or $nin, or ask several times.');
  end if;
end;
$$;

comment on function parlant_internal.require_moderate_filter(jsonb) is
'Refuses a filter that is too large to compile and plan.';

revoke all on function parlant_internal.require_moderate_filter(jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.require_moderate_filter(jsonb) to service_role;
