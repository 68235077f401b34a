-- purpose:  The SQL expression that is equal for two documents if and only if their values of some fields
--           are, as $eq compares: 1 equals 1.0, and a field that is missing equals null. A unique index ends
--           with it: order keys do not tell all values apart, and an entry has no room for a long value.
-- p_fields: [[field, "asc" | "desc"], ...], at least one
-- returns:  text of an SQL expression that yields bytea, never NULL
-- raises:   PD008 invalid argument
--
-- Equal jsonb values have the same text but for zeros that end a fraction. Those are taken out of every
-- number in the text and of no string: the pattern takes a string as a whole and puts it back as it was. It
-- is an expression, as order_key() is, so that whoever writes documents needs no privilege on a function.
create or replace function parlant_internal.unique_key(p_fields jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_fraction constant text :=
    $re$("(?:[^"\\]|\\.)*")|(-?[0-9]+)(?:\.0+|(\.[0-9]*[1-9])0+)(?=[],}]|$)$re$;
  v_values text;
begin
  select
    string_agg(
      format('coalesce(data -> %L, ''null''::jsonb)::text', parlant_internal.sort_entry_field(f.value)),
      ' || '','' || ' order by f.ordinality)
  into v_values
  from jsonb_array_elements(p_fields) with ordinality as f;

  -- The pattern takes most of the time, and few values have a point.
  return format(
    'sha256(replace(case strpos(%1$s, ''.'') when 0 then %1$s'
    ' else regexp_replace((%1$s) collate "C", %2$L, %3$L, ''g'') end,'
    ' chr(92), chr(92) || chr(92))::bytea)',
    v_values, c_fraction, $re$\1\2\3$re$);
end;
$$;

comment on function parlant_internal.unique_key(jsonb) is
'SQL expression that is equal where the values of some fields are.';

revoke all on function parlant_internal.unique_key(jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.unique_key(jsonb) to service_role;
