-- Records which document was added, changed or erased, when and by which role, and never what is in it. A
-- document is recorded by the SHA-256 of its id, so that an erased customer leaves nothing of theirs behind,
-- and whoever knows an id can still ask for it:
--
--   select * from parlant_internal.audit_log
--   where document = encode(sha256('the id'), 'hex') order by id;
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp and run
-- `supabase db push`. Tables that are made later are recorded, too. Each write costs one row of about 150
-- bytes more for each document. Delete old rows yourself: delete from parlant_internal.audit_log
-- where changed_at < now() - interval '1 year';

create table if not exists parlant_internal.audit_log (
  id bigint generated always as identity primary key,
  changed_at timestamptz not null default now(),
  changed_by name not null,
  subject text,
  operation text not null,
  table_name name not null,
  document text not null
);

comment on table parlant_internal.audit_log is
'Which document was added, changed or erased, when and by which role; document is the SHA-256 of its id.';

create index if not exists audit_log_document_idx on parlant_internal.audit_log (document);

-- Nobody but its owner reads or changes it: an agent cannot wipe its tracks.
alter table parlant_internal.audit_log enable row level security;
revoke all on table parlant_internal.audit_log from public, anon, authenticated, service_role;

create or replace function parlant_internal.record_changes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into parlant_internal.audit_log (changed_by, subject, operation, table_name, document)
  select
    -- The role that PostgREST has become; without PostgREST whoever has logged in.
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    lower(tg_op),
    tg_table_name,
    encode(sha256(convert_to(c.id, 'UTF8')), 'hex')
  from changed as c
  where c.id is not null;

  return null;
end;
$$;

revoke all on function parlant_internal.record_changes() from public, anon, authenticated, service_role;

create or replace function parlant_internal.audit_table(p_table regclass)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'create or replace trigger audit_insert after insert on %s referencing new table as changed'
    ' for each statement execute function parlant_internal.record_changes()', p_table);
  execute format(
    'create or replace trigger audit_update after update on %s referencing new table as changed'
    ' for each statement execute function parlant_internal.record_changes()', p_table);
  execute format(
    'create or replace trigger audit_delete after delete on %s referencing old table as changed'
    ' for each statement execute function parlant_internal.record_changes()', p_table);
end;
$$;

revoke all on function parlant_internal.audit_table(regclass) from public, anon, authenticated, service_role;

create or replace function parlant_internal.audit_new_collection()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
    parlant_internal.audit_table(to_regclass(format('%I.%I', 'public', t.name)))
  from unnest(array[new.table_name, new.failed_table_name]) as t (name)
  where to_regclass(format('%I.%I', 'public', t.name)) is not null;

  return null;
end;
$$;

revoke all on function parlant_internal.audit_new_collection()
from public, anon, authenticated, service_role;

create or replace trigger audit_new_collection
after insert or update on parlant_internal.collections
for each row execute function parlant_internal.audit_new_collection();

select parlant_internal.audit_table(to_regclass(format('%I.%I', 'public', t.name)))
from parlant_internal.collections as c
cross join unnest(array[c.table_name, c.failed_table_name]) as t (name)
where to_regclass(format('%I.%I', 'public', t.name)) is not null;
