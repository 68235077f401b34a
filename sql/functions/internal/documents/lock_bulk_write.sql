-- purpose: Makes the calls that write many documents of one table take turns, until the end of the
--          transaction. Each of them holds entries of the unique indexes that the user may have made, in an
--          order of its own. Taken before the keys of documents.
-- p_table: the table, which table_of() names
-- returns: nothing
-- raises:  nothing
create or replace function parlant_internal.lock_bulk_write(p_table regclass)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform parlant_internal.lock_keys(
    array[parlant_internal.document_key('all documents of ' || p_table::text, '')]);
end;
$$;

comment on function parlant_internal.lock_bulk_write(regclass) is
'Makes the calls that write many documents of one table take turns.';

revoke all on function parlant_internal.lock_bulk_write(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.lock_bulk_write(regclass) to service_role;
