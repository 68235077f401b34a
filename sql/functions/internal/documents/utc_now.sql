-- purpose: The present moment as Parlant writes it.
-- returns: text, as iso_time() writes it
-- raises:  nothing
--
-- In PL/pgSQL for the same reason as text_column().
create or replace function parlant_internal.utc_now()
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.iso_time(clock_timestamp());
end;
$$;

comment on function parlant_internal.utc_now() is
'The present moment as Parlant writes it.';

revoke all on function parlant_internal.utc_now()
from public, anon, authenticated;
grant execute on function parlant_internal.utc_now() to service_role;
