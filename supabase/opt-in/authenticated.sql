-- Lets signed-in users (role authenticated) find, insert, update and delete documents, each as far as the row
-- level security policies of your own allow. Without policies they see nothing.
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp, adapt the two parts
-- marked "yours", and run `supabase db push`. Later migrations of parlant-supabase let the role in again by
-- themselves. Making, deleting and indexing collections stays with the service role.

select parlant_internal.opt_in('authenticated', 'documents');

-- Yours: the tables that signed-in users may use at all, and for what.
grant select on table public.parlant_sessions_, public.parlant_sessions_events to authenticated;

-- Yours: which rows. Here a customer sees the sessions that carry the customer_id of the user's token, and
-- their messages, without those that were deleted: tool results, statuses and deleted messages stay hidden.
--
-- The claim customer_id has to come from where the user cannot write: a custom access token hook of yours, or
-- app_metadata (then write auth.jwt() -> 'app_metadata' ->> 'customer_id'). Never from user_metadata, which
-- every user may change: auth.updateUser() would let anybody read anybody's conversations.
drop policy if exists "customers see their own sessions" on public.parlant_sessions_;
create policy "customers see their own sessions" on public.parlant_sessions_
for select to authenticated
using (customer_id = (select auth.jwt() ->> 'customer_id'));

drop policy if exists "customers see messages of their own sessions" on public.parlant_sessions_events;
create policy "customers see messages of their own sessions" on public.parlant_sessions_events
for select to authenticated
using (
  data ->> 'kind' = 'message'
  and data -> 'deleted' is distinct from 'true'
  and session_id in (
    select s.id from public.parlant_sessions_ as s
    where s.customer_id = (select auth.jwt() ->> 'customer_id')
  )
);

notify pgrst, 'reload schema';
