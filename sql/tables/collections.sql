-- The registry: which table holds which collection. Functions touch the tables named here and no others.
create table if not exists parlant_internal.collections (
  prefix text collate "C" not null,
  collection text collate "C" not null,
  table_name name not null unique,
  failed_table_name name not null unique,
  registered_at timestamptz not null default now(),
  primary key (prefix, collection)
);

comment on table parlant_internal.collections is
'Registry of the tables that parlant-supabase may read and write.';

alter table parlant_internal.collections enable row level security;
revoke all on table parlant_internal.collections from public, anon, authenticated;
grant select on table parlant_internal.collections to service_role;
