-- purpose:  Turns a table of failed documents that was made by hand, or that outlived its collection, into
--           one of ours. Rows are kept.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_failed_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policy name;
begin
  if (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or (
      select count(*)
      from pg_catalog.pg_attribute as a
      where a.attrelid = v_table::regclass and not a.attisdropped
        and (a.attname, a.atttypid) in (
          ('id', 'pg_catalog.text'::regtype), ('data', 'pg_catalog.jsonb'::regtype))
    ) <> 2
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = 'A table of failed documents has the columns id text and data jsonb.',
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  if exists (
    select from pg_catalog.pg_attribute as a
    where a.attrelid = v_table::regclass and a.attname = 'seq' and not a.attisdropped
  ) then
    return;
  end if;

  for v_policy in
    select p.policyname from pg_catalog.pg_policies as p
    where p.schemaname = 'public' and p.tablename = p_table
      and p.policyname like 'Allow all operations on %' and p.qual = 'true'
  loop
    execute format('drop policy %I on %s', v_policy, v_table);
    raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
      v_policy, p_table
      using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
  end loop;

  execute format(
    'alter table %s'
    ' alter column id type text collate "C",'
    ' add column if not exists reason text not null default ''unknown'','
    ' add column if not exists failed_at timestamptz not null default now(),'
    ' add column seq bigint generated always as identity primary key', v_table);
  execute format('create index on %s (id)', v_table);
end;
$$;

comment on function parlant_internal.adopt_failed_table(name) is
'Turns a table of failed documents made by hand into one of ours.';

revoke all on function parlant_internal.adopt_failed_table(name)
from public, anon, authenticated, service_role;
