-- purpose:      Merges top-level keys into a session for a turn of it. Agent states are appended to those
--               that are there; states of the same traces are replaced, so the same call may be made again.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_params:     keys and values to set; agent_states holds only what the turn adds
-- p_turn:       the turn, as require_turn() takes it
-- returns:      {"document": {...} | null}, the session after the change; null if there is no such session
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument, PD010 superseded
--               turn
-- example:      select public.parlant_update_session(
--                 'parlant_sessions_', 's1', '{"agent_states": [{"trace_id": "t1"}]}',
--                 '{"turn": "x", "trace_id": "t1", "step": "ends", "fenced": true}');
create or replace function public.parlant_update_session(
  p_prefix text,
  p_session_id text,
  p_params jsonb,
  p_turn jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_params jsonb := parlant_internal.read_document(p_params) - 'id';
  v_states jsonb;
begin
  perform parlant_internal.lock_keys(array[parlant_internal.document_key(v_sessions, p_session_id)]);
  if not parlant_internal.lock_document(v_sessions, p_session_id) then
    return jsonb_build_object('document', null);
  end if;

  perform parlant_internal.require_turn(p_prefix, p_session_id, p_turn);

  if v_params ? 'agent_states' then
    execute format(
      'select coalesce(jsonb_agg(s.state order by s.position), ''[]'') || $2'
      ' from %s as d, jsonb_array_elements('
      'case when jsonb_typeof(d.data -> ''agent_states'') = ''array'' then d.data -> ''agent_states'' end'
      ') with ordinality as s (state, position)'
      ' where d.id = $1'
      ' and not $2 @> jsonb_build_array(jsonb_build_object(''trace_id'', s.state -> ''trace_id''))',
      v_sessions)
    into v_states
    using p_session_id, v_params -> 'agent_states';
    v_params := v_params || jsonb_build_object('agent_states', v_states);
  end if;

  return jsonb_build_object(
    'document', parlant_internal.merge_document(v_sessions, p_session_id, v_params));
end;
$$;

comment on function public.parlant_update_session(text, text, jsonb, jsonb) is
'Merges keys into a Parlant session for a turn of it.';

revoke all on function public.parlant_update_session(text, text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_update_session(text, text, jsonb, jsonb) to service_role;
