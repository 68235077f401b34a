-- purpose:      Finds the table of a collection's failed documents in the registry.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's quoted, qualified name, for use in dynamic SQL
-- raises:       PD004 collection not found
create or replace function parlant_internal.failed_table_of(p_prefix text, p_collection text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Raises if there is no such collection.
  perform parlant_internal.table_of(p_prefix, p_collection);

  return (
    select format('%I.%I', 'public', c.failed_table_name)
    from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  );
end;
$$;

comment on function parlant_internal.failed_table_of(text, text) is
'Qualified name of the table of a collection''s failed documents.';

revoke all on function parlant_internal.failed_table_of(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.failed_table_of(text, text) to service_role;
