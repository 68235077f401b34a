-- purpose:           The filter for events of a session that parlant_list_events and parlant_check_events
--                    describe by their arguments.
-- p_session_id:      the session's id
-- p_source:          only events from this source; NULL for all
-- p_trace_id:        only events of this trace; NULL for all
-- p_kinds:           JSON array, only events of these kinds; NULL for all
-- p_min_offset:      only events from this offset on; NULL for all
-- p_exclude_deleted: whether to leave out deleted events
-- returns:           a Parlant filter
-- raises:            nothing
create or replace function parlant_internal.event_filter(
  p_session_id text,
  p_source text,
  p_trace_id text,
  p_kinds jsonb,
  p_min_offset bigint,
  p_exclude_deleted boolean
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'session_id', jsonb_build_object('$eq', p_session_id),
    'source', case when p_source is not null then jsonb_build_object('$eq', p_source) end,
    'trace_id', case when p_trace_id is not null then jsonb_build_object('$eq', p_trace_id) end,
    'kind', case when p_kinds is not null then jsonb_build_object('$in', p_kinds) end,
    'offset', case when p_min_offset is not null then jsonb_build_object('$gte', p_min_offset) end,
    'deleted', case when p_exclude_deleted then jsonb_build_object('$eq', false) end));
end;
$$;

comment on function parlant_internal.event_filter(text, text, text, jsonb, bigint, boolean) is
'Filter for events of a session.';

revoke all on function parlant_internal.event_filter(text, text, text, jsonb, bigint, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.event_filter(text, text, text, jsonb, bigint, boolean)
to service_role;
