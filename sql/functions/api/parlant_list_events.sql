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
set search_path = ''
as $$
declare
  v_filter jsonb := parlant_internal.event_filter(
    p_session_id, p_source, p_trace_id, to_jsonb(p_kinds), p_min_offset, p_exclude_deleted);
  v_session_exists boolean;
  v_page jsonb;
begin
  execute format(
    'select exists (select from %s as d where d.id = $1)',
    parlant_internal.table_of(p_prefix, 'sessions'))
  into v_session_exists
  using p_session_id;

  if v_session_exists then
    v_page := parlant_internal.find_page(
      parlant_internal.table_of(p_prefix, 'events'),
      parlant_internal.compile_filter(v_filter), v_filter, null, null, null);
  end if;

  return jsonb_build_object('documents', v_page -> 'items');
end;
$$;

comment on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean) is
'Events of a Parlant session.';

revoke all on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_list_events(text, text, text, text, text[], bigint, boolean)
to service_role;
