-- purpose:      Opens a collection, creating it if need be, and reads the first documents that its loader
--               has to see.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- returns:      {"created": bool, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD006 invalid table name, PD007 table not ours
-- example:      select public.parlant_get_or_create_collection('parlant_sessions_', 'events', '0.9.0');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_get_or_create_collection(
  p_prefix text,
  p_collection text,
  p_version text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_created boolean := false;
begin
  if not exists (
    select from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  ) then
    v_created := parlant_internal.create_collection_tables(p_prefix, p_collection);
  end if;

  return parlant_internal.opened_collection(p_prefix, p_collection, p_version, v_created);
end;
$$;

comment on function public.parlant_get_or_create_collection(text, text, text) is
'Opens a Parlant document collection, creating it if need be.';

revoke all on function public.parlant_get_or_create_collection(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_get_or_create_collection(text, text, text)
to service_role;
