-- purpose: Whether a collection's table has a unique index besides that on the id, which ensure_indexes
--          or the user has made.
-- p_table: the table, which table_of() names
-- returns: whether it has
-- raises:  nothing
create or replace function parlant_internal.has_unique_index(p_table regclass)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from pg_catalog.pg_index as i
    where i.indrelid = p_table and i.indisunique and not i.indisprimary
  );
end;
$$;

comment on function parlant_internal.has_unique_index(regclass) is
'Whether a table has a unique index besides that on the id.';

revoke all on function parlant_internal.has_unique_index(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.has_unique_index(regclass) to service_role;
