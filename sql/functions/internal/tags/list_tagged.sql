-- purpose:          Reads a page of customers or variables with their tags, ordered by (creation_utc, id).
-- p_prefix:         the store's table prefix
-- p_kind:           'customer' or 'variable'
-- p_tags:           only those with any of these tags, or, if empty, without tags; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only what is strictly after it is returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [{"document": {...}, "tags": [...]}, ...], "total_count": int,
--                   "has_more": bool, "next_cursor": {"creation_utc", "id"} | null};
--                   counted as find_page() does
-- raises:           PD004 collection not found, PD008 invalid argument
create or replace function parlant_internal.list_tagged(
  p_prefix text,
  p_kind text,
  p_tags text[],
  p_limit bigint,
  p_cursor jsonb,
  p_sort_direction text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_associations text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_where text := 'true';
begin
  if cardinality(p_tags) > 0 then
    v_where := format(
      'd.id in (select a.data ->> %L from %s as a where'
      ' %s = any (array(select %s from jsonb_array_elements($1) as t))'
      ' and a.data ->> ''tag_id'' = any (array(select jsonb_array_elements_text($1))))',
      p_kind || '_id',
      v_associations,
      parlant_internal.order_key('a.data -> ''tag_id'''),
      parlant_internal.order_key('t.value'));
  elsif p_tags is not null then
    v_where := format(
      'not exists (select from %s as a where %s)',
      v_associations, parlant_internal.owner_condition(p_kind, 'd.id'));
  end if;

  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    v_where,
    to_jsonb(p_tags),
    p_limit,
    p_cursor,
    p_sort_direction,
    format(
      'jsonb_build_object(''document'', d.data, ''tags'', %s)',
      parlant_internal.tags_expression(p_kind, v_associations, 'd.id')));
end;
$$;

comment on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text) is
'Customers or variables with their tags, page by page.';

revoke all on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
to service_role;
