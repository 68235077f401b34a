-- purpose:     Compiles the operators on one field, ANDed.
-- p_field:     the field's name; a top-level key of the document, never a path
-- p_condition: {op: operand, ...}
-- p_path:      where p_condition stands in the whole filter
-- p_indexable: whether indexes may answer it
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      PD001 invalid filter
create or replace function parlant_internal.compile_field(
  p_field text,
  p_condition jsonb,
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
  v_operator text;
  v_operand jsonb;
  v_terms text[] := '{}';
begin
  if p_field like '$%' and jsonb_typeof(p_condition) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, 'unknown operator', 'The logical operators are $and and $or.');
  end if;

  if jsonb_typeof(p_condition) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, format('expected operators, got %s', jsonb_typeof(p_condition)),
      'Write {"field": {"$eq": value}} to compare with a value.');
  end if;

  for v_operator, v_operand in select c.key, c.value from jsonb_each(p_condition) as c loop
    v_terms := v_terms || case
      when v_operator in ('$eq', '$ne')
        then parlant_internal.compile_equality(
          p_field, v_operator, v_operand, p_path || v_operator, p_indexable)
      when v_operator in ('$gt', '$gte', '$lt', '$lte')
        then parlant_internal.compile_range(
          p_field, v_operator, v_operand, p_path || v_operator, p_indexable)
      when v_operator in ('$in', '$nin')
        then case
          when jsonb_typeof(v_operand) = 'array'
            then parlant_internal.compile_membership(
              p_field, v_operator, v_operand,
              format('($1 #> %L::text[])', p_path || v_operator), p_indexable)
        end
    end;

    if v_terms[cardinality(v_terms)] is not null then
      continue;
    end if;

    if v_operator in ('$in', '$nin') then
      perform parlant_internal.filter_error(
        p_path || v_operator,
        format('%s expects a list, got %s', v_operator, jsonb_typeof(v_operand)),
        format('Write {"field": {"%s": [value, value]}}.', v_operator));
    end if;

    perform parlant_internal.filter_error(
      p_path || v_operator, 'unknown operator',
      'The operators are $eq, $ne, $gt, $gte, $lt, $lte, $in and $nin.');
  end loop;

  if cardinality(v_terms) = 0 then
    return 'true';
  end if;

  return array_to_string(v_terms, ' and ');
end;
$$;

comment on function parlant_internal.compile_field(text, jsonb, text[], boolean) is
'Predicate text for the operators on one field.';

revoke all on function parlant_internal.compile_field(text, jsonb, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_field(text, jsonb, text[], boolean) to service_role;
