-- purpose:     Compiles $gt, $gte, $lt and $lte. Strings are compared by code point, numbers by value,
--              false before true; a value of another type, null and a missing field never match.
-- p_field:     the field's name
-- p_operator:  '$gt', '$gte', '$lt' or '$lte'
-- p_operand:   a string, number, boolean or null
-- p_path:      where the operand stands in the whole filter
-- p_indexable: whether an index on the field's order key may answer it; without, the value itself is
--              compared, in a fifth of the time
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      PD001 invalid filter
create or replace function parlant_internal.compile_range(
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
  v_type text := jsonb_typeof(p_operand);
  v_comparison text := case p_operator
    when '$gt' then '>'
    when '$gte' then '>='
    when '$lt' then '<'
    else '<='
  end;
  v_column text;
  v_range text;
begin
  if v_type in ('array', 'object') then
    perform parlant_internal.filter_error(
      p_path, format('%s cannot compare with %s', p_operator, v_type),
      'Compare with a string, a number or a boolean.');
  end if;

  if v_type = 'null' then
    return 'false';
  end if;

  if v_type = 'string' then
    v_column := parlant_internal.text_column(p_field);
    if v_column is not null then
      return format('d.%I %s ($1 #>> %L::text[])', v_column, v_comparison, p_path);
    end if;
  end if;

  if not p_indexable then
    return format(
      case v_type
        when 'string'
          then '(jsonb_typeof(d.data -> %1$L) = %2$L'
            ' and (d.data ->> %1$L) collate "C" %3$s ($1 #>> %4$L::text[]))'
        else '(jsonb_typeof(d.data -> %1$L) = %2$L and (d.data -> %1$L) %3$s ($1 #> %4$L::text[]))'
      end,
      p_field, v_type, v_comparison, p_path);
  end if;

  v_range := format(
    '(%s %s %s and jsonb_typeof(d.data -> %L) = %L',
    parlant_internal.order_key(format('d.data -> %L', p_field)),
    -- Keys of long strings are equal before the strings are.
    case when v_type = 'string' then left(v_comparison, 1) || '=' else v_comparison end,
    parlant_internal.order_key(format('$1 #> %L::text[]', p_path)),
    p_field,
    v_type);

  if v_type = 'string' then
    v_range := v_range || format(
      ' and (d.data ->> %1$L) collate "C" %2$s ($1 #>> %3$L::text[])',
      p_field, v_comparison, p_path);
  end if;

  -- The column is no more exact than the field, but it is what the index on it knows.
  if v_type = 'string' and p_field in ('version', 'creation_utc') then
    v_range := v_range || format(
      ' and d.%I %s ($1 #>> %L::text[])', p_field, v_comparison, p_path);
  end if;

  return v_range || ')';
end;
$$;

comment on function parlant_internal.compile_range(text, text, jsonb, text[], boolean) is
'Predicate text for $gt, $gte, $lt and $lte.';

revoke all on function parlant_internal.compile_range(text, text, jsonb, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_range(text, text, jsonb, text[], boolean)
to service_role;
