-- What keeps the registries whole while a dump is restored into them. They fire always, because a dump of
-- `supabase db dump` turns off all other triggers with session_replication_role.
create or replace trigger skip_registered_collection
before insert on parlant_internal.collections
for each row execute function parlant_internal.skip_registered_collection();

create or replace trigger make_registered_tables
after insert on parlant_internal.collections
for each row execute function parlant_internal.make_registered_tables();

create or replace trigger skip_registered_view_set
before insert on parlant_internal.view_sets
for each row execute function parlant_internal.skip_registered_view_set();

alter table parlant_internal.collections enable always trigger skip_registered_collection;
alter table parlant_internal.collections enable always trigger make_registered_tables;
alter table parlant_internal.view_sets enable always trigger skip_registered_view_set;
