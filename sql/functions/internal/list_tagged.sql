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
set search_path = ''
as $$
declare
  v_owner text := p_kind || '_id';
  v_associations text := parlant_internal.table_of(p_prefix, p_kind || '_tag_associations');
  v_parameters jsonb := jsonb_build_object('tags', to_jsonb(p_tags));
  v_where text := 'true';
  v_page jsonb;
  v_tags jsonb;
begin
  if cardinality(p_tags) > 0 then
    v_where := format(
      'd.id in (select d.data ->> %L from %s as d where %s)',
      v_owner,
      v_associations,
      parlant_internal.compile_membership(
        'tag_id', '$in', v_parameters -> 'tags', '($1 -> ''tags'')'));
  elsif p_tags is not null then
    -- Spelled as the index on the owner is, be it on a column or on the field.
    v_where := format(
      case
        when parlant_internal.text_column(v_owner) is not null
          then 'not exists (select from %2$s as a where a.%1$I = d.id)'
        else
          'not exists (select from %2$s as a where a.data ->> %1$L = d.id and %3$s = %4$s)'
      end,
      v_owner,
      v_associations,
      parlant_internal.order_key(format('a.data -> %L', v_owner)),
      parlant_internal.order_key('to_jsonb(d.id)'));
  end if;

  v_page := parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    v_where, v_parameters, p_limit, p_cursor, p_sort_direction);
  v_tags := parlant_internal.tags_of(
    p_prefix, p_kind, jsonb_path_query_array(v_page -> 'items', '$[*].id'));

  return v_page || jsonb_build_object('items', (
    select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'document', i.value, 'tags', coalesce(v_tags -> (i.value ->> 'id'), '[]'::jsonb))
        order by i.ordinality),
      '[]'::jsonb)
    from jsonb_array_elements(v_page -> 'items') with ordinality as i
  ));
end;
$$;

comment on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text) is
'Customers or variables with their tags, page by page.';

revoke all on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
to service_role;
