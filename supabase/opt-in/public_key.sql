-- WARNING: after this, whoever has the anonymous or publishable key of the project, which every web page of
-- yours shows to its visitors, can read, change and delete everybody's conversations, customers and
-- variables. It restores what the script of the earlier adapter did. Use the service role key instead, or
-- authenticated.sql with policies of your own.
--
-- To use it all the same, copy this file into supabase/migrations/ under a name with a new timestamp and run
-- `supabase db push`. It opens the functions, after later migrations too, and the collections that exist at
-- that moment.

do $$
declare
  v_table name;
begin
  raise warning 'parlant-supabase: from now on every holder of the public key can read and write all conversations';

  perform parlant_internal.opt_in('anon', 'functions');

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
