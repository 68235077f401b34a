-- Erases every night what has been idle for 90 days: sessions without an event, failed documents, and what
-- servers keep with warm_start. It is what `parlant-supabase expire --older-than 90d --yes` does, without a
-- machine of yours.
--
-- To use it, copy this file into supabase/migrations/ under a name with a new timestamp, adapt the age and
-- the table prefixes, and run `supabase db push`.
-- To end a job: select cron.unschedule('parlant-expire-sessions');
-- A night erases at most 1,000 sessions, each up to its first 50,000 events, and the next night goes on.
create extension if not exists pg_cron;

select cron.schedule(
  'parlant-expire-sessions',
  '17 3 * * *',
  $job$
    select public.parlant_erase_session('parlant_sessions_', s.value ->> 'id', 50000, t.idle_since)
    from (
      select to_char(now() at time zone 'UTC' - interval '90 days', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
    ) as t (idle_since)
    cross join jsonb_array_elements(
      public.parlant_list_expired_sessions('parlant_sessions_', 'parlant_customers_', t.idle_since) -> 'sessions'
    ) as s
  $job$
);

select cron.schedule(
  'parlant-expire-failed-documents',
  '27 3 * * *',
  $job$
    select public.parlant_expire_failed_documents(p.prefix, now() - interval '90 days')
    from (
      values ('parlant_sessions_'), ('parlant_customers_'), ('parlant_context_variables_')
    ) as p (prefix)
  $job$
);

-- What servers keep with warm_start, by its last use.
select cron.schedule(
  'parlant-expire-cache',
  '37 3 * * *',
  $job$select public.parlant_expire_cache('parlant_', now() - interval '90 days')$job$
);
