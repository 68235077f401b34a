-- purpose:          Reads customers with their tags, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_tags:           only customers with any of these tags, or, if empty, without tags; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only customers strictly after it are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [{"document": {...}, "tags": [...]}, ...], "total_count": int,
--                   "has_more": bool, "next_cursor": {"creation_utc", "id"} | null};
--                   counted as parlant_find does
-- raises:           PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_list_customers(
--                     'parlant_customers_', p_tags => '{vip}', p_limit => 20);
create or replace function public.parlant_list_customers(
  p_prefix text,
  p_tags text[] default null,
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
  return parlant_internal.list_tagged(
    p_prefix, 'customer', p_tags, p_limit, p_cursor, p_sort_direction);
end;
$$;

comment on function public.parlant_list_customers(text, text[], bigint, jsonb, text) is
'Parlant customers with their tags, page by page.';

revoke all on function public.parlant_list_customers(text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_list_customers(text, text[], bigint, jsonb, text)
to service_role;
