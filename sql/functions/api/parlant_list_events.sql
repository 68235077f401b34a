-- purpose:           Reads the events of a session, ordered by (creation_utc, id).
-- p_prefix:          the store's table prefix
-- p_session_id:      the session's id
-- p_source:          only events from this source; NULL for all
-- p_trace_id:        only events of this trace; NULL for all
-- p_kinds:           only events of these kinds; NULL for all
-- p_min_offset:      only events from this offset on; NULL for all
-- p_exclude_deleted: whether to leave out deleted events
-- returns:           {"documents": [{...}, ...] | null}; null if there is no such session
-- raises:            PD004 collection not found
-- example:           select public.parlant_list_events(
--                      'parlant_sessions_', 's1', p_kinds => '{message}', p_min_offset => 4);
create or replace function public.parlant_list_events(
  p_prefix text,
  p_session_id text,
  p_source text default null,
  p_trace_id text default null,
  p_kinds text[] default null,
  p_min_offset bigint default null,
  p_exclude_deleted boolean default true
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_documents jsonb;
begin
  execute format(
    'select case when exists (select from %s as s where s.id = $1) then ('
    'select coalesce(jsonb_agg(d.data order by d.creation_utc, d.id), ''[]'') from %s as d where %s'
    ') end',
    parlant_internal.table_of(p_prefix, 'sessions'),
    parlant_internal.table_of(p_prefix, 'events'),
    parlant_internal.event_condition(
      p_source is not null,
      p_trace_id is not null,
      p_kinds is not null,
      p_min_offset is not null,
      p_exclude_deleted))
  into v_documents
  using p_session_id, p_source, p_trace_id, p_kinds, p_min_offset;

  return jsonb_build_object('documents', v_documents);
end;
$$;

comment on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean) is
'Events of a Parlant session.';

revoke all on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
to service_role;
