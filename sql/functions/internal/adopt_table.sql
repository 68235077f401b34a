-- purpose:  Turns a table that was made by hand, from the script of the earlier adapter, into one of ours.
--           Rows are kept. The script's policies that let everybody in are dropped with a warning;
--           policies of the user's own are kept.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  c_columns constant text[] :=
    '{id,version,creation_utc,session_id,customer_id,agent_id}';
  v_table text := format('%I.%I', 'public', p_table);
  v_missing text;
  v_policy record;
  v_column text;
begin
  select string_agg(s.attname, ', ' order by s.attnum) into v_missing
  from pg_catalog.pg_attribute as s
  left join pg_catalog.pg_attribute as a
    on a.attrelid = v_table::regclass
      and a.attname = s.attname and a.atttypid = s.atttypid and not a.attisdropped
  where s.attrelid = 'parlant_internal.document_shape'::regclass
    and s.attname = any (c_columns || '{data}'::text[])
    and a.attname is null;

  if v_missing is not null
    or (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or not exists (
      select from pg_catalog.pg_index as i
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = v_table::regclass and i.indisprimary
        and i.indnkeyatts = 1 and a.attname = 'id'
    )
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = coalesce(
        format('It lacks, with the right type: %s.', v_missing), 'It lacks a primary key on id.'),
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  -- A column that a policy mentions cannot change its collation, so policies step aside meanwhile.
  create temporary table if not exists parlant_kept_policies (
    statement text
  ) on commit drop;
  delete from pg_temp.parlant_kept_policies where true;
  for v_policy in
    select
      p.policyname,
      p.permissive,
      p.cmd,
      p.qual,
      p.with_check,
      (select string_agg(format('%I', r.role), ', ') from unnest(p.roles) as r (role)) as roles
    from pg_catalog.pg_policies as p
    where p.schemaname = 'public' and p.tablename = p_table
  loop
    execute format('drop policy %I on %s', v_policy.policyname, v_table);
    if v_policy.policyname like 'Allow all operations on %' and v_policy.qual = 'true' then
      raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
        v_policy.policyname, p_table
        using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
    else
      insert into pg_temp.parlant_kept_policies (statement)
      values (
        format(
          'create policy %I on %s as %s for %s to %s',
          v_policy.policyname, v_table, v_policy.permissive, v_policy.cmd, v_policy.roles)
        || coalesce(format(' using (%s)', v_policy.qual), '')
        || coalesce(format(' with check (%s)', v_policy.with_check), ''));
    end if;
  end loop;

  foreach v_column in array c_columns loop
    execute format(
      'alter table %s alter column %I type text collate "C"', v_table, v_column);
  end loop;

  -- The earlier adapter kept the whole document in data; rows made otherwise get from their columns
  -- what data lacks.
  execute format(
    'update %1$s as d set data = jsonb_strip_nulls(jsonb_build_object('
    '''id'', d.id, ''version'', d.version, ''creation_utc'', d.creation_utc,'
    ' ''session_id'', d.session_id, ''customer_id'', d.customer_id, ''agent_id'', d.agent_id'
    ')) || d.data where not d.data ? ''id''', v_table);
  execute format(
    'update %1$s as d set'
    ' version = case jsonb_typeof(d.data -> ''version'') when ''string'' then d.data ->> ''version'' else '''' end,'
    ' creation_utc = case jsonb_typeof(d.data -> ''creation_utc'')'
    ' when ''string'' then d.data ->> ''creation_utc'' else '''' end,'
    ' session_id = case jsonb_typeof(d.data -> ''session_id'') when ''string'' then d.data ->> ''session_id'' end,'
    ' customer_id = case jsonb_typeof(d.data -> ''customer_id'') when ''string'' then d.data ->> ''customer_id'' end,'
    ' agent_id = case jsonb_typeof(d.data -> ''agent_id'') when ''string'' then d.data ->> ''agent_id'' end'
    ' where true', v_table);

  execute format(
    'alter table %s'
    ' alter column version set default '''', alter column version set not null,'
    ' alter column creation_utc set default '''', alter column creation_utc set not null,'
    ' alter column data drop default, alter column data set not null,'
    ' add column if not exists seq bigint generated always as identity', v_table);
  execute format('create index on %s (creation_utc, id)', v_table);
  execute format('create index on %s (version, seq)', v_table);

  for v_policy in select k.statement from pg_temp.parlant_kept_policies as k loop
    execute v_policy.statement;
  end loop;

  raise warning 'parlant-supabase: adopted table % with its rows; from now on only service_role may use it', p_table
    using hint = 'Grants to anon and authenticated are revoked; policies of your own are kept.';
end;
$$;

comment on function parlant_internal.adopt_table(name) is
'Turns a table made from the earlier adapter''s script into one of ours.';

revoke all on function parlant_internal.adopt_table(name)
from public, anon, authenticated, service_role;
