-- purpose:     Compiles $and and $or. Lists that differ in one field only become one comparison with an
--              array, because that is what an index can answer: $or of $eq becomes = any, $and of $ne
--              becomes <> all, and what all members of an $or have in common is taken out of it.
-- p_operator:  '$and' or '$or'
-- p_members:   JSON array of filters
-- p_path:      where p_members stands in the whole filter
-- p_indexable: whether indexes may answer it
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      PD001 invalid filter
create or replace function parlant_internal.compile_logical(
  p_operator text,
  p_members jsonb,
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
  v_varying text;
  v_common text;
  v_position bigint;
  v_member jsonb;
  v_term text;
  v_terms text[] := '{}';
begin
  if jsonb_typeof(p_members) <> 'array' then
    perform parlant_internal.filter_error(
      p_path, format('%s expects a list of filters, got %s', p_operator, jsonb_typeof(p_members)),
      format('Write {"%s": [{...}, {...}]}.', p_operator));
  end if;

  if jsonb_array_length(p_members) = 0 then
    -- As Python's all([]) and any([]).
    return case p_operator when '$and' then 'true' else 'false' end;
  end if;

  v_varying := parlant_internal.varying_field(p_operator, p_members);
  if v_varying is not null then
    v_common := parlant_internal.compile_filter((p_members -> 0) - v_varying, p_path || '0'::text, p_indexable);
    return format(
      '(%s and %s)',
      v_common,
      parlant_internal.compile_membership(
        v_varying,
        case p_operator when '$or' then '$in' else '$nin' end,
        parlant_internal.operands(
          p_members, v_varying, case p_operator when '$or' then '$eq' else '$ne' end),
        format(
          'parlant_internal.operands($1 #> %L::text[], %L, %L)',
          p_path, v_varying, case p_operator when '$or' then '$eq' else '$ne' end),
        p_indexable));
  end if;

  for v_member, v_position in
    select m.value, m.ordinality - 1
    from jsonb_array_elements(p_members) with ordinality as m
  loop
    -- In two steps: an append that is itself in the middle of being evaluated, further up, copies the array.
    v_term := format(
      '(%s)', parlant_internal.compile_filter(v_member, p_path || v_position::text, p_indexable));
    v_terms := v_terms || v_term;
  end loop;

  return format(
    '(%s)', array_to_string(v_terms, case p_operator when '$and' then ' and ' else ' or ' end));
end;
$$;

comment on function parlant_internal.compile_logical(text, jsonb, text[], boolean) is
'Predicate text for $and and $or.';

revoke all on function parlant_internal.compile_logical(text, jsonb, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_logical(text, jsonb, text[], boolean) to service_role;
