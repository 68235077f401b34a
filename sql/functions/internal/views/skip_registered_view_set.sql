-- purpose:  Trigger of the sets of views: leaves out a set that is there. A restored dump brings that of the
--           default stores, which the migrations have written before it.
-- returns:  the row to write, or NULL
-- raises:   nothing
create or replace function parlant_internal.skip_registered_view_set()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from parlant_internal.view_sets as s
    where s.prefix = new.prefix
  ) then
    return null;
  end if;

  return new;
end;
$$;

comment on function parlant_internal.skip_registered_view_set() is
'Leaves out a set of views that is there.';

revoke all on function parlant_internal.skip_registered_view_set()
from public, anon, authenticated, service_role;
