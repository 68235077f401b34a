-- WARNING: after this, whoever has the anonymous or publishable key of the project, which every web page of
-- yours shows to its visitors, can read, change and delete everybody's conversations, customers and
-- variables. It restores what the script of the earlier adapter did. Use the service role key instead, or
-- authenticated.sql with policies of your own.
--
-- To use it all the same, copy this file into supabase/migrations/ under a name with a new timestamp and run
-- `supabase db push`. It opens the collections that exist at that moment.

do $$
declare
  v_function regprocedure;
  v_table name;
begin
  raise warning 'parlant-supabase: from now on every holder of the public key can read and write all conversations';

  grant usage on schema parlant_internal to anon;
  grant select on table parlant_internal.collections to anon;

  drop policy if exists "parlant-supabase: public registry" on parlant_internal.collections;
  create policy "parlant-supabase: public registry" on parlant_internal.collections
  for select to anon using (true);

  -- Functions that run as the caller. Those that run as their owner stay closed.
  for v_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace in ('parlant_internal'::regnamespace, 'public'::regnamespace)
      and (p.pronamespace = 'parlant_internal'::regnamespace or p.proname like 'parlant\_%')
      and not p.prosecdef
      and has_function_privilege('service_role', p.oid, 'execute')
  loop
    execute format('grant execute on function %s to anon', v_function);
  end loop;

  for v_table in
    select unnest(array[c.table_name, c.failed_table_name]) from parlant_internal.collections as c
  loop
    execute format('grant select, insert, update, delete on table public.%I to anon', v_table);
    execute format('drop policy if exists "open to the public key" on public.%I', v_table);
    execute format(
      'create policy "open to the public key" on public.%I for all to anon using (true) with check (true)',
      v_table);
  end loop;
end;
$$;

notify pgrst, 'reload schema';
