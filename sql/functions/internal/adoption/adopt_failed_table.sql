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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policies text[];
  v_statement text;
begin
  if (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or (
      select count(*)
      from pg_catalog.pg_attribute as a
      where a.attrelid = v_table::regclass and not a.attisdropped
        and (a.attname, a.atttypid) in (
          ('id', 'pg_catalog.text'::regtype), ('data', 'pg_catalog.jsonb'::regtype))
    ) <> 2
    or exists (
      select from pg_catalog.pg_index as i
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = v_table::regclass and i.indisprimary and a.attname <> 'seq'
    )
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = 'A table of failed documents has the columns id text and data jsonb, and no primary key.',
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  if exists (
    select from pg_catalog.pg_attribute as a
    where a.attrelid = v_table::regclass and a.attname = 'seq' and not a.attisdropped
  ) then
    return;
  end if;

  v_policies := parlant_internal.set_aside_policies(p_table);

  execute format(
    'alter table %s'
    ' alter column id type text collate "C",'
    ' add column if not exists reason text not null default ''unknown'','
    ' add column if not exists failed_at timestamptz not null default now(),'
    ' add column seq bigint generated always as identity primary key', v_table);
  execute format('create index on %s (id)', v_table);

  foreach v_statement in array v_policies loop
    execute v_statement;
  end loop;
end;
$$;

comment on function parlant_internal.adopt_failed_table(name) is
'Turns a table of failed documents made by hand into one of ours.';

revoke all on function parlant_internal.adopt_failed_table(name)
from public, anon, authenticated, service_role;
