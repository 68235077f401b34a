-- Indexes for what Parlant's stores query without ever asking for an index.
-- Applied whenever a collection of that name is created, under any prefix.
create table if not exists parlant_internal.default_indexes (
  collection text collate "C" not null,
  fields text[] not null,
  primary key (collection, fields)
);

comment on table parlant_internal.default_indexes is
'Indexes made with a collection, by its name, beside those that the store asks for.';

alter table parlant_internal.default_indexes enable row level security;
revoke all on table parlant_internal.default_indexes from public, anon, authenticated;
grant select on table parlant_internal.default_indexes to service_role;

insert into parlant_internal.default_indexes (collection, fields)
values
('events', '{session_id,creation_utc,id}'),
('sessions', '{agent_id,creation_utc,id}'),
('sessions', '{customer_id,creation_utc,id}'),
('customer_tag_associations', '{customer_id,tag_id}'),
('customer_tag_associations', '{tag_id}'),
('variable_tag_associations', '{variable_id,tag_id}'),
('variable_tag_associations', '{tag_id}'),
('values', '{variable_id,key}')
on conflict do nothing;
