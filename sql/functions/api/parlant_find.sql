-- purpose:          Reads the documents that a filter matches, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_collection:     the collection's name
-- p_filters:        a Parlant filter; NULL or {} matches every document
-- p_limit:          the most documents to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only documents strictly after it, in the direction
--                   of the sort, are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null};
--                   total_count counts the matches after the cursor, before the limit
-- raises:           PD001 invalid filter, PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_find(
--                     'parlant_sessions_', 'sessions', '{"customer_id": {"$eq": "c1"}}', 20, null, 'desc');
create or replace function public.parlant_find(
  p_prefix text,
  p_collection text,
  p_filters jsonb default null,
  p_limit bigint default null,
  p_cursor jsonb default null,
  p_sort_direction text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.find_page(
    parlant_internal.table_of(p_prefix, p_collection),
    p_filters,
    p_limit,
    p_cursor,
    p_sort_direction);
end;
$$;

comment on function public.parlant_find(text, text, jsonb, bigint, jsonb, text) is
'Matching documents of a Parlant document collection, page by page.';

revoke all on function public.parlant_find(text, text, jsonb, bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_find(text, text, jsonb, bigint, jsonb, text)
to service_role;
