-- purpose:     Compiles $eq and $ne. A missing field equals null and differs from everything else.
-- p_field:     the field's name
-- p_operator:  '$eq' or '$ne'
-- p_operand:   any JSON value
-- p_path:      where the operand stands in the whole filter
-- p_indexable: whether an index on the field's order key may answer it; without, the value itself is
--              compared, in a fifth of the time
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      nothing
create or replace function parlant_internal.compile_equality(
  p_field text,
  p_operator text,
  p_operand jsonb,
  p_path text[],
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
  v_equal text;
begin
  if jsonb_typeof(p_operand) = 'string' and v_column is not null then
    return format(
      case p_operator
        when '$eq' then 'd.%I = ($1 #>> %L::text[])'
        else 'd.%I is distinct from ($1 #>> %L::text[])'
      end,
      v_column, p_path);
  end if;

  if not p_indexable then
    return format(
      case p_operator
        when '$eq' then 'coalesce(d.data -> %L, ''null''::jsonb) = ($1 #> %L::text[])'
        else 'coalesce(d.data -> %L, ''null''::jsonb) <> ($1 #> %L::text[])'
      end,
      p_field, p_path);
  end if;

  v_equal := format(
    '%s = %s',
    parlant_internal.order_key(format('d.data -> %L', p_field)),
    parlant_internal.order_key(format('$1 #> %L::text[]', p_path)));

  -- Where the order key does not tell all values apart, the whole value decides.
  if jsonb_typeof(p_operand) in ('array', 'object')
    or (jsonb_typeof(p_operand) = 'string' and length(p_operand #>> '{}') >= 100)
  then
    v_equal := format(
      '(%1$s and coalesce(d.data -> %2$L, ''null''::jsonb) = ($1 #> %3$L::text[]))',
      v_equal, p_field, p_path);
  end if;

  -- The column is no more exact than the field, but it is what the index on it knows.
  if p_operator = '$eq' and jsonb_typeof(p_operand) = 'string'
    and p_field in ('version', 'creation_utc')
  then
    v_equal := format('(%s and d.%I = ($1 #>> %L::text[]))', v_equal, p_field, p_path);
  end if;

  return case p_operator when '$eq' then v_equal else format('not (%s)', v_equal) end;
end;
$$;

comment on function parlant_internal.compile_equality(text, text, jsonb, text[], boolean) is
'Predicate text for $eq and $ne.';

revoke all on function parlant_internal.compile_equality(text, text, jsonb, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_equality(text, text, jsonb, text[], boolean)
to service_role;
