-- purpose:          Reads sessions, ordered by (creation_utc, id), page by page.
-- p_prefix:         the store's table prefix
-- p_agent_id:       only sessions of this agent; NULL for all
-- p_customer_id:    only sessions of this customer; NULL for all
-- p_labels:         only sessions that have all of these labels; NULL for all
-- p_limit:          the most to return; NULL for all, 0 for an empty page
-- p_cursor:         {"creation_utc": text, "id": text}; only sessions strictly after it are returned
-- p_sort_direction: "asc" (also if NULL) or "desc"
-- returns:          {"items": [...], "total_count": int, "has_more": bool,
--                   "next_cursor": {"creation_utc", "id"} | null}; counted as parlant_find does
-- raises:           PD004 collection not found, PD008 invalid argument
-- example:          select public.parlant_list_sessions(
--                     'parlant_sessions_', p_customer_id => 'c1', p_labels => '{vip}', p_limit => 20);
create or replace function public.parlant_list_sessions(
  p_prefix text,
  p_agent_id text default null,
  p_customer_id text default null,
  p_labels text[] default null,
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
    parlant_internal.table_of(p_prefix, 'sessions'),
    jsonb_strip_nulls(jsonb_build_object(
      'agent_id', case when p_agent_id is not null then jsonb_build_object('$eq', p_agent_id) end,
      'customer_id', case when p_customer_id is not null then jsonb_build_object('$eq', p_customer_id) end)),
    p_limit,
    p_cursor,
    p_sort_direction,
    'session',
    p_labels);
end;
$$;

comment on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text) is
'Parlant sessions, page by page.';

revoke all on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_list_sessions(text, text, text, text[], bigint, jsonb, text)
to service_role;
