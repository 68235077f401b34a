-- purpose:      Opens a collection that exists and reads the first documents that its loader has to see.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- returns:      {"created": false, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD004 collection not found
-- example:      select public.parlant_get_collection('parlant_sessions_', 'events', '0.9.0');
create or replace function public.parlant_get_collection(
  p_prefix text,
  p_collection text,
  p_version text default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.opened_collection(p_prefix, p_collection, p_version, false);
end;
$$;

comment on function public.parlant_get_collection(text, text, text) is
'Opens an existing Parlant document collection.';

revoke all on function public.parlant_get_collection(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_get_collection(text, text, text) to service_role;
