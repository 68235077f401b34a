-- purpose:          Reads one page of a collection's documents, ordered by (creation_utc, id).
-- p_table:          the table, which table_of() names
-- p_filters:        a Parlant filter; NULL matches every document
-- p_limit:          the most documents to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only documents strictly after it, in the
--                   direction of the sort, are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- p_kind:           what the documents are, if they are 'session's, 'customer's or 'variable's
-- p_listed:         of sessions only those with all of these labels; of customers and variables only
--                   those with any of these tags, or, if empty, without tags; NULL for all
-- p_associations:   of customers and variables the table of their tags, which are returned with them
-- returns:          {"items": [...], "total_count": int, "has_more": bool, "next_cursor":
--                   {"creation_utc", "id"} | null}; total_count counts the matches after the cursor,
--                   before the limit. It stops at 10,000 more than the limit, where counting would cost
--                   more than all the rest of the call
-- raises:           PD001 invalid filter, PD008 invalid argument
create or replace function parlant_internal.find_page(
  p_table regclass,
  p_filters jsonb,
  p_limit bigint,
  p_cursor jsonb,
  p_sort_direction text,
  p_kind text default null,
  p_listed text[] default null,
  p_associations regclass default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_counted_beyond_page constant bigint := 10000;
  v_where text := parlant_internal.compile_filter(p_filters);
  v_item text := 'd.data';
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

  if p_kind is not null then
    v_where := format('%s and %s', v_where, parlant_internal.listed_condition(p_kind, p_listed, p_associations));
  end if;
  if p_associations is not null then
    v_item := format(
      'jsonb_build_object(''document'', d.data, ''tags'', %s)',
      parlant_internal.tags_expression(p_kind, p_associations, 'd.id'));
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
    v_item, p_table, v_where, v_direction)
  into v_items, v_last
  using p_filters, p_cursor, least(p_limit, 2147483646) + 1, p_listed;

  if cardinality(v_items) <= coalesce(p_limit, cardinality(v_items)) then
    return jsonb_build_object(
      'items', to_jsonb(v_items),
      'total_count', cardinality(v_items),
      'has_more', false,
      'next_cursor', null);
  end if;

  execute format('select count(*) from (select from %s as d where %s limit $3) as counted', p_table, v_where)
  into v_total
  using p_filters, p_cursor, p_limit + c_counted_beyond_page, p_listed;

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

comment on function parlant_internal.find_page(
  regclass, jsonb, bigint, jsonb, text, text, text[], regclass
) is
'One page of the documents that a filter matches.';

revoke all on function parlant_internal.find_page(
  regclass, jsonb, bigint, jsonb, text, text, text[], regclass
)
from public, anon, authenticated;
grant execute on function parlant_internal.find_page(
  regclass, jsonb, bigint, jsonb, text, text, text[], regclass
)
to service_role;
