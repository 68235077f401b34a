-- purpose:          Reads one page of a collection's documents, ordered by (creation_utc, id).
-- p_table:          the table, as table_of() gives it
-- p_where:          predicate over the alias d, referring to p_parameters as $1
-- p_parameters:     what the predicate refers to, such as the filter that compile_filter() compiled
-- p_limit:          the most documents to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only documents strictly after it, in the direction
--                   of the sort, are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- p_item:           SQL expression over the alias d for what to return of each document
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null};
--                   total_count counts the matches after the cursor, before the limit. It stops at 10,000
--                   more than the limit, where counting would cost more than all the rest of the call
-- raises:           PD008 invalid argument
create or replace function parlant_internal.find_page(
  p_table text,
  p_where text,
  p_parameters jsonb,
  p_limit bigint,
  p_cursor jsonb,
  p_sort_direction text,
  p_item text default 'd.data'
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_counted_beyond_page constant bigint := 10000;
  v_where text := p_where;
  v_direction text := coalesce(p_sort_direction, 'asc');
  v_items jsonb[];
  v_total bigint;
  v_last jsonb;
begin
  if v_direction not in ('asc', 'desc') then
    raise exception using
      errcode = 'PD008',
      message = format('unknown sort direction %L', p_sort_direction),
      hint = 'The sort direction is asc or desc.';
  end if;

  if p_limit < 0 then
    raise exception using
      errcode = 'PD008',
      message = 'the limit must not be negative',
      hint = 'Leave the limit out to get all documents.';
  end if;

  if p_cursor is not null then
    if coalesce(jsonb_typeof(p_cursor -> 'creation_utc'), 'null') <> 'string'
      or coalesce(jsonb_typeof(p_cursor -> 'id'), 'null') <> 'string'
    then
      raise exception using
        errcode = 'PD008',
        message = 'a cursor must hold the strings creation_utc and id',
        hint = 'Pass on next_cursor of the page before.';
    end if;

    v_where := format(
      '(%s) and (d.creation_utc, d.id) %s ($2 ->> ''creation_utc'', $2 ->> ''id'')',
      v_where, case v_direction when 'asc' then '>' else '<' end);
  end if;

  execute format(
    'select coalesce(array_agg(page.item), ''{}''), (array_agg(page.data))[$3 - 1] from ('
    'select d.data, %s as item from %s as d where %s order by d.creation_utc %4$s, d.id %4$s limit $3'
    ') as page',
    p_item, p_table, v_where, v_direction)
  into v_items, v_last
  using p_parameters, p_cursor, least(p_limit, 2147483646) + 1;

  if cardinality(v_items) <= coalesce(p_limit, cardinality(v_items)) then
    return jsonb_build_object(
      'items', to_jsonb(v_items),
      'total_count', cardinality(v_items),
      'has_more', false,
      'next_cursor', null);
  end if;

  execute format('select count(*) from (select from %s as d where %s limit $3) as counted', p_table, v_where)
  into v_total
  using p_parameters, p_cursor, p_limit + c_counted_beyond_page;

  return jsonb_build_object(
    'items', to_jsonb(v_items[1:p_limit::integer]),
    'total_count', v_total,
    'has_more', true,
    'next_cursor', case when p_limit > 0 then
      jsonb_build_object(
        'creation_utc', case jsonb_typeof(v_last -> 'creation_utc')
          when 'string' then v_last ->> 'creation_utc' else '' end,
        'id', v_last ->> 'id')
    end);
end;
$$;

comment on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text) is
'One page of the documents that a predicate matches.';

revoke all on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.find_page(text, text, jsonb, bigint, jsonb, text, text)
to service_role;
