-- purpose:  Trigger of the registry: makes the tables of a collection that is registered without them, as
--           when the rows of a dump are restored, so that the rows that come next find their tables.
-- returns:  NULL
-- raises:   nothing
create or replace function parlant_internal.make_registered_tables()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass(format('%I.%I', 'public', new.table_name)) is null
    or to_regclass(format('%I.%I', 'public', new.failed_table_name)) is null
  then
    perform parlant_internal.create_collection_tables(new.prefix, new.collection);
  end if;

  return null;
end;
$$;

comment on function parlant_internal.make_registered_tables() is
'Makes the tables of a collection that is registered without them.';

revoke all on function parlant_internal.make_registered_tables()
from public, anon, authenticated, service_role;
