-- purpose:      Deletes a session with all its events. An event that is being created meanwhile is deleted
--               too, or is refused for want of a session.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- returns:      {"deleted": bool, "deleted_events": int}
-- raises:       PD004 collection not found
-- example:      select public.parlant_delete_session('parlant_sessions_', 's1');
--
-- Lock order: the session first, then its events, as in parlant_create_event.
create or replace function public.parlant_delete_session(p_prefix text, p_session_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'sessions');
  v_sessions integer;
  v_events bigint;
begin
  perform parlant_internal.lock_keys(array[parlant_internal.document_key(v_table, p_session_id)]);

  execute format('delete from %s as d where d.id = $1', v_table) using p_session_id;
  get diagnostics v_sessions = row_count;

  v_events := parlant_internal.delete_members(
    array[parlant_internal.table_of(p_prefix, 'events')], 'session', p_session_id);

  perform parlant_internal.forget_turns(p_prefix, array[p_session_id]);

  return jsonb_build_object('deleted', v_sessions > 0, 'deleted_events', v_events);
end;
$$;

comment on function public.parlant_delete_session(text, text) is
'Deletes a Parlant session with its events.';

revoke all on function public.parlant_delete_session(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_session(text, text) to service_role;
