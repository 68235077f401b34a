-- purpose:   Tells, for any number of clients that wait for events, whether there are any. Deleted events do
--            not count.
-- p_prefix:  the store's table prefix
-- p_watches: [{"session_id": text, "source": text, "trace_id": text, "kinds": [text, ...],
--            "min_offset": int}, ...]; all but session_id may be missing or null, which means any
-- returns:   {"results": [bool | null, ...]}, one for each, in their order; null if there is no such session
-- raises:    PD004 collection not found, PD008 invalid argument
-- example:   select public.parlant_check_events(
--              'parlant_sessions_', '[{"session_id": "s1", "min_offset": 4, "kinds": ["message"]}]');
create or replace function public.parlant_check_events(p_prefix text, p_watches jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_events text := parlant_internal.table_of(p_prefix, 'events');
  v_watch jsonb;
  v_found boolean;
  v_results jsonb[] := '{}';
begin
  perform parlant_internal.require_list(
    p_watches, 'watches', 'Write [{"session_id": "...", "min_offset": 0}].', 1000);

  for v_watch in select w.value from jsonb_array_elements(p_watches) as w loop
    execute format(
      'select case when exists (select from %s as s where s.id = $1)'
      ' then exists (select from %s as d where %s) end',
      v_sessions,
      v_events,
      parlant_internal.event_condition(
        v_watch ->> 'source' is not null,
        v_watch ->> 'trace_id' is not null,
        v_watch ->> 'kinds' is not null,
        v_watch ->> 'min_offset' is not null,
        true))
    into v_found
    using
      v_watch ->> 'session_id',
      v_watch ->> 'source',
      v_watch ->> 'trace_id',
      array(select k.value from jsonb_array_elements_text(nullif(v_watch -> 'kinds', 'null')) as k),
      (v_watch ->> 'min_offset')::bigint;
    v_results := v_results || to_jsonb(v_found);
  end loop;

  return jsonb_build_object('results', to_jsonb(v_results));
end;
$$;

comment on function public.parlant_check_events(text, jsonb) is
'Whether there are events that clients of Parlant sessions wait for.';

revoke all on function public.parlant_check_events(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_check_events(text, jsonb) to service_role;
