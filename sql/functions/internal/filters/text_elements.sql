-- purpose:  The operand of $in and $nin on a text column, so that it folds to a constant array.
-- p_values: a JSON array of strings
-- returns:  text[]
-- raises:   nothing
create or replace function parlant_internal.text_elements(p_values jsonb)
returns text[]
language sql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(v.value), '{}')
  from jsonb_array_elements_text(p_values) as v
$$;

comment on function parlant_internal.text_elements(jsonb) is
'Elements of a JSON array of strings as text.';

revoke all on function parlant_internal.text_elements(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.text_elements(jsonb) to service_role;
