-- purpose:  The SQL expression of one value whose jsonb order is the order of documents' fields, whatever the
--           database's locale: null and missing, strings by code point, numbers, false, true, objects and
--           arrays. It is what ensure_indexes indexes and what filters and sorts compare.
--           Strings become the hex of their first 100 characters, because jsonb compares strings by the
--           database's collation and because an index entry may not pass 2,700 bytes; whoever needs the
--           rest of a longer string compares it too.
-- p_source: text of an SQL expression that yields the field's value as jsonb, or NULL where it is missing
-- returns:  text of an SQL expression that yields jsonb, never NULL
-- raises:   nothing
--
-- It holds no backslash, which means another thing where standard_conforming_strings is off.
-- An expression, because the planner has to see through it, to fold it to a constant and to recognise the
-- indexes; a function with a search_path is opaque to it, and called for each row 2 to 9 times as slow.
create or replace function parlant_internal.order_key(p_source text)
returns text
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'coalesce(case jsonb_typeof(%1$s)'
    ' when ''string'' then'
    ' (''"'' || encode(replace(left(%1$s #>> ''{}'', 100), chr(92), chr(92) || chr(92))::bytea, ''hex'')'
    ' || ''"'')::jsonb'
    ' when ''array'' then ''[[]]''::jsonb'
    ' when ''object'' then ''{}''::jsonb'
    ' else %1$s end, ''null''::jsonb)',
    format('(%s)', p_source));
end;
$$;

comment on function parlant_internal.order_key(text) is
'SQL expression by which a document''s field is indexed, compared and sorted.';

revoke all on function parlant_internal.order_key(text) from public, anon, authenticated;
grant execute on function parlant_internal.order_key(text) to service_role;
