-- purpose:  Tells which version of the SQL is deployed, for the adapter's handshake.
-- returns:  {"sql_version": int, "compatible_since": int}
-- raises:   nothing
-- example:  select public.parlant_get_version();
--
-- sql_version grows by one with each migration that changes what the adapter can see; compatible_since is
-- the oldest sql_version whose adapter still works with what is deployed. Both stand here and not in a
-- table, so that a copy of the schema without its rows has a version too.
create or replace function public.parlant_get_version()
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'sql_version', 1,
    'compatible_since', 1
  )
$$;

comment on function public.parlant_get_version() is
'Version of the deployed parlant-supabase SQL.';

revoke all on function public.parlant_get_version() from public, anon, authenticated;
grant execute on function public.parlant_get_version() to service_role;
