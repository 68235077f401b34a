-- purpose:      Reads an event, if the session that it is asked for exists.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_event_id:   the event's id
-- returns:      {"session_exists": bool, "document": {...} | null}
-- raises:       PD004 collection not found
-- example:      select public.parlant_read_event('parlant_sessions_', 's1', 'e1');
create or replace function public.parlant_read_event(p_prefix text, p_session_id text, p_event_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_session_exists boolean;
  v_event jsonb;
begin
  execute format(
    'select exists (select from %s as s where s.id = $1), (select d.data from %s as d where d.id = $2)',
    parlant_internal.table_of(p_prefix, 'sessions'), parlant_internal.table_of(p_prefix, 'events'))
  into v_session_exists, v_event
  using p_session_id, p_event_id;

  return jsonb_build_object(
    'session_exists', v_session_exists,
    'document', case when v_session_exists then v_event end);
end;
$$;

comment on function public.parlant_read_event(text, text, text) is
'Reads an event of a Parlant session.';

revoke all on function public.parlant_read_event(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_event(text, text, text) to service_role;
