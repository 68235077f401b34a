-- purpose:      Reads the first document that a filter matches.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_filters:    a Parlant filter; NULL or {} matches every document
-- p_sort:       [[field, "asc" | "desc"], ...]; NULL means order of insertion
-- returns:      {"document": {...} | null}
-- raises:       PD001 invalid filter, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_find_one(
--                 'parlant_sessions_', 'events',
--                 '{"session_id": {"$eq": "s1"}}', '[["offset", "desc"]]');
create or replace function public.parlant_find_one(
  p_prefix text,
  p_collection text,
  p_filters jsonb,
  p_sort jsonb default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
begin
  execute format(
    'select d.data from %s as d where %s order by %s limit 1',
    parlant_internal.table_of(p_prefix, p_collection),
    parlant_internal.compile_filter(p_filters),
    parlant_internal.compile_sort(p_sort))
  into v_document
  using p_filters;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_find_one(text, text, jsonb, jsonb) is
'First matching document of a Parlant document collection.';

revoke all on function public.parlant_find_one(text, text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_find_one(text, text, jsonb, jsonb) to service_role;
