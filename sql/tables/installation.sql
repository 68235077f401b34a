-- Which version of the SQL is deployed. One row.
--   sql_version       grows by one with each migration that changes what the adapter can see
--   compatible_since  the oldest sql_version whose adapter still works with what is deployed
create table if not exists parlant_internal.installation (
  singleton boolean not null primary key default true check (singleton),
  sql_version integer not null,
  compatible_since integer not null
);

comment on table parlant_internal.installation is
'Deployed version of the parlant-supabase SQL; read by parlant_get_version().';

alter table parlant_internal.installation enable row level security;
revoke all on table parlant_internal.installation from public, anon, authenticated;
grant select on table parlant_internal.installation to service_role;

insert into parlant_internal.installation (sql_version, compatible_since)
values (1, 1)
on conflict (singleton) do update
  set
    sql_version = excluded.sql_version,
    compatible_since = excluded.compatible_since;
