-- purpose:    Collects the operands of one operator on one field over the members of $and or $or, so that
--             a list of thousands of equalities is compared as one array.
-- p_members:  JSON array of filters, each with p_field and p_operator in it
-- p_field:    the field's name
-- p_operator: '$eq' or '$ne'
-- returns:    JSON array of the operands
-- raises:     nothing
create or replace function parlant_internal.operands(
  p_members jsonb,
  p_field text,
  p_operator text
)
returns jsonb
language sql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(m.value -> p_field -> p_operator), '[]'::jsonb)
  from jsonb_array_elements(p_members) as m
$$;

comment on function parlant_internal.operands(jsonb, text, text) is
'Operands of one operator on one field over the members of a logical operator.';

revoke all on function parlant_internal.operands(jsonb, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.operands(jsonb, text, text) to service_role;
