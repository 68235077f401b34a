-- The prefixes of views, and those of the stores whose tables the views read. Written by
-- parlant_create_views; default_stores.sql adds those of the default stores.
create table if not exists parlant_internal.view_sets (
  prefix text collate "C" not null primary key,
  session_prefix text collate "C" not null,
  customer_prefix text collate "C" not null,
  variable_prefix text collate "C" not null
);

comment on table parlant_internal.view_sets is
'Which stores have views for people, and what the names of the views begin with.';

alter table parlant_internal.view_sets enable row level security;
revoke all on table parlant_internal.view_sets from public, anon, authenticated;
grant select on table parlant_internal.view_sets to service_role;
