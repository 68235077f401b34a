-- purpose:     Compiles $in and $nin, and the lists that compile_logical() turns into them.
-- p_field:     the field's name
-- p_operator:  '$in' or '$nin'
-- p_operands:  JSON array of the operands, for choosing how to compare
-- p_source:    text of an immutable SQL expression over $1 that yields the same array
-- p_indexable: whether an index on the field's order key may answer it; without, the value itself is
--              compared
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      nothing
create or replace function parlant_internal.compile_membership(
  p_field text,
  p_operator text,
  p_operands jsonb,
  p_source text,
  p_indexable boolean
)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_column text := parlant_internal.text_column(p_field);
  v_member text;
begin
  if jsonb_array_length(p_operands) = 0 then
    return case p_operator when '$in' then 'false' else 'true' end;
  end if;

  if v_column is not null and not exists (
    select from jsonb_array_elements(p_operands) as o where jsonb_typeof(o.value) <> 'string'
  ) then
    return format(
      case p_operator
        when '$in' then 'd.%1$I = any (parlant_internal.text_elements(%2$s))'
        else '(d.%1$I <> all (parlant_internal.text_elements(%2$s)) or d.%1$I is null)'
      end,
      v_column, p_source);
  end if;

  if not p_indexable then
    v_member := format(
      'coalesce(d.data -> %L, ''null''::jsonb) = any (parlant_internal.json_elements(%s))', p_field, p_source);
    return case p_operator when '$in' then v_member else format('not (%s)', v_member) end;
  end if;

  v_member := format(
    '%s = any (parlant_internal.order_keys(%s))',
    parlant_internal.order_key(format('d.data -> %L', p_field)), p_source);

  if exists (
    select from jsonb_array_elements(p_operands) as o
    where
      jsonb_typeof(o.value) in ('array', 'object')
      or (jsonb_typeof(o.value) = 'string' and length(o.value #>> '{}') >= 100)
  ) then
    v_member := format(
      '(%1$s and coalesce(d.data -> %2$L, ''null''::jsonb)'
      ' = any (parlant_internal.json_elements(%3$s)))',
      v_member, p_field, p_source);
  end if;

  return case p_operator when '$in' then v_member else format('not (%s)', v_member) end;
end;
$$;

comment on function parlant_internal.compile_membership(text, text, jsonb, text, boolean) is
'Predicate text for $in and $nin.';

revoke all on function parlant_internal.compile_membership(text, text, jsonb, text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_membership(text, text, jsonb, text, boolean)
to service_role;
