-- The views that people read, as templates: a file in sql/views/ writes a row each. They are made for every
-- row of view_sets.
--   name         what follows the set's prefix in the view's name
--   collections  what the view reads
--   query        a template for format(): %1$L is the pattern of a moment as Parlant writes it, %2$s the
--                table of the first of the collections, %3$s that of the second, and so on
--   comment      what the view shows
create table if not exists parlant_internal.view_definitions (
  name text collate "C" not null primary key,
  collections text[] not null,
  query text not null,
  comment text not null
);

comment on table parlant_internal.view_definitions is
'Templates of the views that people read.';

alter table parlant_internal.view_definitions enable row level security;
revoke all on table parlant_internal.view_definitions from public, anon, authenticated;
grant select on table parlant_internal.view_definitions to service_role;
