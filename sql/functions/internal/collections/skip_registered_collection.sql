-- purpose:  Trigger of the registry: leaves out a collection that is registered. A restored dump brings the
--           default stores, which the migrations have registered before it.
-- returns:  the row to write, or NULL
-- raises:   nothing
create or replace function parlant_internal.skip_registered_collection()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from parlant_internal.collections as c
    where c.prefix = new.prefix and c.collection = new.collection
  ) then
    return null;
  end if;

  return new;
end;
$$;

comment on function parlant_internal.skip_registered_collection() is
'Leaves out a collection that is registered.';

revoke all on function parlant_internal.skip_registered_collection()
from public, anon, authenticated, service_role;
