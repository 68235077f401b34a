-- purpose:  One value whose jsonb order is the order of documents' fields, whatever the database's locale:
--           null and missing, strings by code point, numbers, false, true, objects and arrays.
--           It is what ensure_indexes indexes and what filters and sorts compare.
--           Strings become the hex of their first 100 characters, because jsonb compares strings by the
--           database's collation and because an index entry may not pass 2,700 bytes; whoever needs the
--           rest of a longer string compares it too.
-- p_value:  a field's value, or SQL NULL where the field is missing
-- returns:  jsonb, never NULL
-- raises:   nothing
--
-- No `set search_path`: it would keep the planner from inlining the function and from folding it to a
-- constant, and with that from using the indexes. Everything in it resolves in pg_catalog.
create or replace function parlant_internal.order_key(p_value jsonb)
returns jsonb
language sql
immutable
parallel safe
security invoker
as $$
  select coalesce(
    case jsonb_typeof(p_value)
      when 'string' then (
        '"' || encode(replace(left(p_value #>> '{}', 100), '\', '\\')::bytea, 'hex') || '"'
      )::jsonb
      when 'array' then '[[]]'::jsonb
      when 'object' then '{}'::jsonb
      else p_value
    end,
    'null'::jsonb
  )
$$;

comment on function parlant_internal.order_key(jsonb) is
'Value by which a document''s field is indexed, compared and sorted.';

revoke all on function parlant_internal.order_key(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.order_key(jsonb) to service_role;
