-- Lets signed-in users (role authenticated) find, insert, update and delete documents, each as far as the row
-- level security policies of your own allow. Without policies they see nothing.
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp, adapt the two parts
-- marked "yours", and run `supabase db push`. Do the same again after an upgrade that brings new functions.
-- Making, deleting and indexing collections stays with the service role.

grant usage on schema parlant_internal to authenticated;
grant select on table parlant_internal.collections to authenticated;

drop policy if exists "parlant-supabase: registry" on parlant_internal.collections;
create policy "parlant-supabase: registry" on parlant_internal.collections
for select to authenticated using (true);

-- Helpers that run as the caller. Those that run as their owner stay closed.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'parlant_internal'::regnamespace
      and not p.prosecdef
      and has_function_privilege('service_role', p.oid, 'execute')
  loop
    execute format('grant execute on function %s to authenticated', v_function);
  end loop;
end;
$$;

grant execute on function
public.parlant_get_version(),
public.parlant_get_collection(text, text, text),
public.parlant_find(text, text, jsonb, bigint, jsonb, text),
public.parlant_find_one(text, text, jsonb, jsonb),
public.parlant_insert_one(text, text, jsonb),
public.parlant_update_one(text, text, jsonb, jsonb, boolean, text[]),
public.parlant_delete_one(text, text, jsonb),
public.parlant_execute(jsonb)
to authenticated;

-- Yours: the tables that signed-in users may use at all, and for what.
grant select on table public.parlant_sessions_, public.parlant_sessions_events to authenticated;

-- Yours: which rows. Here a customer sees the sessions that carry the customer_id of the user's token, and
-- their events.
drop policy if exists "customers see their own sessions" on public.parlant_sessions_;
create policy "customers see their own sessions" on public.parlant_sessions_
for select to authenticated
using (customer_id = (select auth.jwt() ->> 'customer_id'));

drop policy if exists "customers see events of their own sessions" on public.parlant_sessions_events;
create policy "customers see events of their own sessions" on public.parlant_sessions_events
for select to authenticated
using (
  session_id in (
    select s.id from public.parlant_sessions_ as s
    where s.customer_id = (select auth.jwt() ->> 'customer_id')
  )
);

notify pgrst, 'reload schema';
