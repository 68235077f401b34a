-- purpose:  Drops the policies of a table that is being adopted: a column that a policy mentions cannot
--           change its collation. Those of the earlier adapter's script, which let everybody in, are gone
--           for good, with a warning; policies of the user's own are to be made again.
-- p_table:  the table's name
-- returns:  the statements that make the user's policies again
-- raises:   nothing
create or replace function parlant_internal.set_aside_policies(p_table name)
returns text[]
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_policy record;
  v_statements text[] := '{}';
begin
  for v_policy in
    select
      p.polname as name,
      s.permissive,
      s.cmd as command,
      s.qual,
      s.with_check,
      (select string_agg(format('%I', r.name), ', ') from unnest(s.roles) as r (name)) as roles,
      obj_description(p.oid, 'pg_policy') as comment
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_policies as s
      on s.schemaname = 'public' and s.tablename = p_table and s.policyname = p.polname
    where p.polrelid = v_table::regclass
  loop
    execute format('drop policy %I on %s', v_policy.name, v_table);

    if v_policy.name like 'Allow all operations on %' and v_policy.qual = 'true' then
      raise warning 'parlant-supabase: dropped policy "%" of table %: it let every key holder read and write all rows',
        v_policy.name, p_table
        using hint = 'Use the service role key, or see "Row level security" in the README of parlant-supabase.';
      continue;
    end if;

    v_statements := v_statements || (
      format(
        'create policy %I on %s as %s for %s to %s',
        v_policy.name, v_table, v_policy.permissive, v_policy.command, v_policy.roles)
      || coalesce(' using (' || v_policy.qual || ')', '')
      || coalesce(' with check (' || v_policy.with_check || ')', ''));
    if v_policy.comment is not null then
      v_statements := v_statements
        || format('comment on policy %I on %s is %L', v_policy.name, v_table, v_policy.comment);
    end if;
  end loop;

  return v_statements;
end;
$$;

comment on function parlant_internal.set_aside_policies(name) is
'Drops the policies of a table and returns the statements that make the user''s again.';

revoke all on function parlant_internal.set_aside_policies(name)
from public, anon, authenticated, service_role;
