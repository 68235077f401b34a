-- purpose:  Tells which version of the SQL is deployed, for the adapter's handshake.
-- returns:  {"sql_version": int, "compatible_since": int}
-- raises:   nothing
-- example:  select public.parlant_get_version();
create or replace function public.parlant_get_version()
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'sql_version', i.sql_version,
    'compatible_since', i.compatible_since
  )
  from parlant_internal.installation as i
$$;

comment on function public.parlant_get_version() is
'Version of the deployed parlant-supabase SQL.';

revoke all on function public.parlant_get_version() from public, anon, authenticated;
grant execute on function public.parlant_get_version() to service_role;
