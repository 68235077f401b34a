-- purpose:      The name of an index, the same for the same definition: part of the table's name for
--               people, a digest for uniqueness within 63 bytes.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_fields:     [[field, "asc" | "desc"], ...]
-- p_unique:     whether the index is unique
-- returns:      the index's name
-- raises:       PD004 collection not found
create or replace function parlant_internal.index_name(
  p_prefix text,
  p_collection text,
  p_fields jsonb,
  p_unique boolean
)
returns name
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    left(parlant_internal.table_name_for(p_prefix, p_collection)::text, 28)
    || '_' || left(md5(jsonb_build_array(p_prefix, p_collection, p_fields, p_unique)::text), 16)
    || '_idx'
  )::name;
end;
$$;

comment on function parlant_internal.index_name(text, text, jsonb, boolean) is
'Name of the index for a definition.';

revoke all on function parlant_internal.index_name(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.index_name(text, text, jsonb, boolean) to service_role;
