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
begin
  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_kind || 's'),
    null,
    p_limit,
    p_cursor,
    p_sort_direction,
    p_kind,
    p_tags,
    v_associations);
end;
$$;

comment on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text) is
'Customers or variables with their tags, page by page.';

revoke all on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function parlant_internal.list_tagged(text, text, text[], bigint, jsonb, text)
to service_role;
