-- purpose:      What both ways of opening a collection return.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_version:    the store's version; NULL for a loader that sees every document
-- p_created:    whether the collection was created just now
-- returns:      {"created": bool, "table": text, "failed_table": text,
--               "documents": [{"id", "digest", "data"}, ...], "next": {...} | null}
-- raises:       PD004 collection not found
create or replace function parlant_internal.opened_collection(
  p_prefix text,
  p_collection text,
  p_version text,
  p_created boolean
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'created', p_created,
    'table', parlant_internal.table_of(p_prefix, p_collection),
    'failed_table', parlant_internal.failed_table_of(p_prefix, p_collection)
  ) || parlant_internal.page_to_load(
    parlant_internal.table_of(p_prefix, p_collection), p_version, null);
end;
$$;

comment on function parlant_internal.opened_collection(text, text, text, boolean) is
'Reply to opening a collection: its tables and the first documents to load.';

revoke all on function parlant_internal.opened_collection(text, text, text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.opened_collection(text, text, text, boolean)
to service_role;
