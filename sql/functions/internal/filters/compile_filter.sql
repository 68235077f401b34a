-- purpose:     Turns a Parlant filter into a predicate over the alias d of a collection's table. The
--              predicate holds no value of the filter: it refers into the filter, bound as $1. Logical
--              operators and fields in one document are ANDed.
-- p_filter:    {field: {op: operand, ...}, "$and": [...], "$or": [...]}; NULL matches everything
-- p_path:      where p_filter stands in the whole filter
-- p_indexable: whether indexes may answer it
-- returns:     text of an SQL expression that is true for matches, and false or NULL otherwise
-- raises:      PD001 invalid filter
create or replace function parlant_internal.compile_filter(
  p_filter jsonb,
  p_path text[] default '{}',
  p_indexable boolean default true
)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Deep enough for any filter that a program writes, shallow enough for max_stack_depth.
  c_max_depth constant integer := 200;
  c_max_characters constant integer := 1000000;
  -- Planning copies the bound filter for each reference into it, and heeds no statement_timeout meanwhile.
  c_max_copied constant bigint := 150000000;
  -- About 50 conditions.
  c_without_index_from_characters constant integer := 25000;
  v_key text;
  v_value jsonb;
  v_terms text[] := '{}';
  v_predicate text;
begin
  if p_filter is null then
    return 'true';
  end if;

  if jsonb_typeof(p_filter) <> 'object' then
    perform parlant_internal.filter_error(
      p_path, format('expected an object, got %s', jsonb_typeof(p_filter)),
      'A filter is an object such as {"id": {"$eq": "..."}}.');
  end if;

  if cardinality(p_path) > c_max_depth then
    perform parlant_internal.filter_error(
      p_path[1:4], format('nested deeper than %s levels', c_max_depth / 2),
      'Flatten the $and and $or operators.');
  end if;

  if cardinality(p_path) = 0 then
    perform parlant_internal.require_moderate_filter(p_filter);
  end if;

  for v_key, v_value in select f.key, f.value from jsonb_each(p_filter) as f loop
    if v_key in ('$and', '$or') then
      v_terms := v_terms
        || parlant_internal.compile_logical(v_key, v_value, p_path || v_key, p_indexable);
    else
      v_terms := v_terms
        || parlant_internal.compile_field(v_key, v_value, p_path || v_key, p_indexable);
    end if;
  end loop;

  if cardinality(v_terms) = 0 then
    return 'true';
  end if;

  v_predicate := array_to_string(v_terms, ' and ');

  if p_indexable and cardinality(p_path) = 0 and length(v_predicate) > c_without_index_from_characters then
    return parlant_internal.compile_filter(p_filter, p_path, false);
  end if;

  if length(v_predicate) > c_max_characters
    or (
      cardinality(p_path) = 0
      and length(v_predicate) > 10000
      and pg_column_size(p_filter) * regexp_count(v_predicate, '[$]1 #')::bigint > c_max_copied
    )
  then
    perform parlant_internal.filter_error(
      p_path[1:4], 'too many conditions',
      'Ask for several values of one field with $in or $nin, or ask several times.');
  end if;

  if cardinality(p_path) > 0 or p_indexable then
    return v_predicate;
  end if;

  -- Each reference to a large document decompresses it, and none is let go of before the row is done. So that
  -- many conditions decompress it once, they see a copy, and no index can answer them.
  return format(
    'exists (select from (select d.id, d.version, d.creation_utc, d.session_id, d.customer_id, d.agent_id,'
    ' d.data || ''{}'' as data offset 0) as d where %s)',
    v_predicate);
end;
$$;

comment on function parlant_internal.compile_filter(jsonb, text[], boolean) is
'Predicate text for a Parlant filter that is bound as $1.';

revoke all on function parlant_internal.compile_filter(jsonb, text[], boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.compile_filter(jsonb, text[], boolean) to service_role;
