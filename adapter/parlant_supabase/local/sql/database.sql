-- What a hosted Supabase project's database holds before its owner's first migration.
-- Run once per database, by the superuser.
--
-- Since 30 October 2026 hosted projects grant nothing on new objects to anon, authenticated or
-- service_role, which is what Postgres does by default; EXECUTE for PUBLIC on new functions stays.
-- So there are no default privileges to set here.

grant usage on schema public to postgres, anon, authenticated, service_role;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
create extension pg_stat_statements with schema extensions;

-- auth: the claims of the request's JWT, as PostgREST hands them over, and the table of users.
create schema auth;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create function auth.jwt() returns jsonb
language sql stable
set search_path = ''
as $$
  select nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb;
$$;

create function auth.uid() returns uuid
language sql stable
set search_path = ''
as $$
  select (auth.jwt() ->> 'sub')::pg_catalog.uuid;
$$;

create function auth.role() returns text
language sql stable
set search_path = ''
as $$
  select auth.jwt() ->> 'role';
$$;

create function auth.email() returns text
language sql stable
set search_path = ''
as $$
  select auth.jwt() ->> 'email';
$$;

create table auth.users (
  id uuid primary key default pg_catalog.gen_random_uuid(),
  email text unique,
  phone text unique,
  raw_app_meta_data jsonb,
  raw_user_meta_data jsonb,
  created_at timestamptz not null default pg_catalog.now(),
  updated_at timestamptz not null default pg_catalog.now()
);
alter table auth.users enable row level security;
grant all on auth.users to postgres;

-- PostgREST keeps a copy of the schema. Hosted projects refresh it after every DDL statement.
create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select
    from pg_catalog.pg_event_trigger_ddl_commands() as c
    where c.schema_name is distinct from 'pg_temp'
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select
    from pg_catalog.pg_event_trigger_dropped_objects() as o
    where not o.is_temporary
      and o.object_type in (
        'schema', 'table', 'foreign table', 'view', 'materialized view', 'function', 'trigger',
        'type', 'rule'
      )
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create event trigger pgrst_ddl_watch on ddl_command_end
when tag in (
  'CREATE SCHEMA', 'ALTER SCHEMA',
  'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
  'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
  'CREATE VIEW', 'ALTER VIEW',
  'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW',
  'CREATE FUNCTION', 'ALTER FUNCTION',
  'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'CREATE RULE', 'COMMENT'
)
execute function extensions.pgrst_ddl_watch();

create event trigger pgrst_drop_watch on sql_drop
execute function extensions.pgrst_drop_watch();
