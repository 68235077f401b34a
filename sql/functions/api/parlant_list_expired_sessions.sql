-- purpose:           Lists sessions that have been idle since a time: created before it, without an event of
--                    it or later.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store, which knows the customers' tags
-- p_idle_since:      the time in ISO 8601 with the offset +00:00, as Parlant writes it
-- p_keep_tags:       keep the sessions of customers who have one of these tags; NULL for none
-- p_labels:          only sessions that have one of these labels; NULL for all
-- p_after:           "next" of the page before, or NULL for the first
-- p_limit:           the most sessions that are looked at
-- returns:           {"sessions": [{"id": text, "events": int}, ...], "next": text | null}; a page may be
--                    empty and have a next one
-- raises:            PD004 collection not found, PD008 invalid argument
-- example:           select public.parlant_list_expired_sessions(
--                      'parlant_sessions_', 'parlant_customers_', '2026-01-01T00:00:00+00:00');
create or replace function public.parlant_list_expired_sessions(
  p_session_prefix text,
  p_customer_prefix text,
  p_idle_since text,
  p_keep_tags text[] default null,
  p_labels text[] default null,
  p_after text default null,
  p_limit integer default 1000
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_utc_time constant text :=
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?[+]00:00$';
  v_sessions text := parlant_internal.table_of(p_session_prefix, 'sessions');
  v_events text := parlant_internal.table_of(p_session_prefix, 'events');
  v_reply jsonb;
begin
  if p_idle_since is null or p_idle_since !~ c_utc_time then
    raise exception using
      errcode = 'PD008',
      message = 'the time is not one in ISO 8601 with the offset +00:00',
      hint = 'Write 2026-01-01T00:00:00+00:00.';
  end if;

  execute format(
    'with looked_at as materialized ('
    '  select s.id, s.customer_id, s.data, s.creation_utc from %1$s as s'
    '  where s.id > $2 order by s.id limit $3'
    '), expired as ('
    '  select s.id from looked_at as s'
    '  where s.creation_utc < $1'
    '    and not exists ('
    '      select from %2$s as a where a.session_id = s.id and a.creation_utc >= $1)'
    '    and ($5 is null or parlant_internal.labels_of(s.data) && $5)'
    '    and ($4 is null or not exists (%3$s))'
    ')'
    ' select jsonb_build_object('
    '  ''sessions'', coalesce(('
    '    select jsonb_agg(jsonb_build_object(''id'', x.id, ''events'', ('
    '      select count(*) from %2$s as a where a.session_id = x.id)) order by x.id)'
    '    from expired as x), ''[]''),'
    '  ''next'', case when (select count(*) from looked_at) = $3 then (select max(l.id) from looked_at as l) end)',
    v_sessions,
    v_events,
    case
      when p_keep_tags is null then 'select where false'
      else format(
        'select from %s as a where a.customer_id = s.customer_id and a.data ->> ''tag_id'' = any ($4)',
        parlant_internal.table_of(p_customer_prefix, 'customer_tag_associations'))
    end)
  into v_reply
  using p_idle_since, coalesce(p_after, ''), greatest(p_limit, 1), p_keep_tags, p_labels;

  return v_reply;
end;
$$;

comment on function public.parlant_list_expired_sessions(text, text, text, text[], text[], text, integer) is
'Sessions that have been idle since a time.';

revoke all on function public.parlant_list_expired_sessions(text, text, text, text[], text[], text, integer)
from public, anon, authenticated;
grant execute on function public.parlant_list_expired_sessions(
  text, text, text, text[], text[], text, integer
)
to service_role;
