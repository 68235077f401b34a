-- purpose:  The columns and expressions that an index on some fields has. A unique index begins like any
--           other, for the same lookups and sorts, and ends with what is unique. Its columns may be NULL,
--           which the key at its end tells from other NULLs.
-- p_fields: [[field, "asc" | "desc"], ...], at least one
-- p_unique: whether the index is unique
-- returns:  text that follows the table's name in CREATE INDEX
-- raises:   PD008 invalid argument
create or replace function parlant_internal.index_definition(p_fields jsonb, p_unique boolean)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text;
begin
  select
    string_agg(
      parlant_internal.order_term(parlant_internal.sort_entry_field(f.value), f.value ->> 1),
      ', ' order by f.ordinality)
  into v_keys
  from jsonb_array_elements(p_fields) with ordinality as f;

  return case
    when p_unique then
      format('(%s, (%s)) nulls not distinct', v_keys, parlant_internal.unique_key(p_fields))
    else format('(%s)', v_keys)
  end;
end;
$$;

comment on function parlant_internal.index_definition(jsonb, boolean) is
'Columns and expressions of an index on some fields.';

revoke all on function parlant_internal.index_definition(jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.index_definition(jsonb, boolean) to service_role;
