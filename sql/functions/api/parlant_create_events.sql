-- purpose:         Appends events to a session in their order and then changes the session, all of it or
--                  nothing. An event gets its offset as from parlant_create_event. Its creation_utc, unless
--                  it is given, is the moment of its emission, after all events before it. The same call
--                  made again is acknowledged and changes nothing.
-- p_prefix:        the store's table prefix
-- p_session_id:    the session's id
-- p_events:        [event, ...], 1 to 50, or that as its JSON text; each without its offset, and with
--                  or without its session_id
-- p_ages:          for each event, how many seconds ago it was emitted; NULL or too few mean now
-- p_params:        keys and values to set in the session; NULL for none
-- p_with_session:  whether to return the session
-- p_turn:          the turn that writes, as parlant_create_event and parlant_update_session take it; NULL if
--                  it is of no turn
-- returns:         {"places": [{"offset": int, "creation_utc": text}, ...] | null, "session": {...} | null};
--                  places is null if there is no such session, and session is null then, or unless it was
--                  asked for or changed
-- raises:          PD002 invalid document, PD003 duplicate document, PD004 collection not found,
--                  PD008 invalid argument, PD010 superseded turn
-- example:         select public.parlant_create_events(
--                    'parlant_sessions_', 's1', '[{"id": "e2", "kind": "status"}, {"id": "e3"}]', '{0.4}',
--                    '{"mode": "manual"}');
create or replace function public.parlant_create_events(
  p_prefix text,
  p_session_id text,
  p_events jsonb,
  p_ages double precision[] default null,
  p_params jsonb default null,
  p_with_session boolean default false,
  p_turn jsonb default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_table text := parlant_internal.table_of(p_prefix, 'events');
  v_params jsonb := case when p_params is not null then parlant_internal.read_document(p_params) end;
  v_events jsonb := parlant_internal.argument_value(p_events);
  v_event jsonb;
  v_position bigint;
  v_is_repeated boolean;
  v_places jsonb := '[]';
  v_session jsonb;
begin
  perform parlant_internal.require_list(v_events, 'events', 'Write [{"id": "e1", "kind": "status"}].', 50);
  if jsonb_array_length(v_events) = 0 then
    raise exception using
      errcode = 'PD008',
      message = 'the list of events is empty',
      hint = 'Use parlant_update_one to change a session alone.';
  end if;

  perform parlant_internal.lock_keys(
    array[
      parlant_internal.document_key(v_sessions, p_session_id),
      parlant_internal.document_key(v_sessions, v_params ->> 'id')]
    || array(
      select parlant_internal.document_key(v_table, e.value ->> 'id')
      from jsonb_array_elements(v_events) as e));

  if not parlant_internal.lock_document(v_sessions, p_session_id) then
    return jsonb_build_object('places', null, 'session', null);
  end if;

  -- All or nothing, so the first event tells of all: whatever has happened to the session since stays.
  execute format('select exists (select from %s as d where d.id = $1)', v_table)
  into v_is_repeated
  using v_events #>> '{0,id}';

  for v_event, v_position in
    select e.value, e.position from jsonb_array_elements(v_events) with ordinality as e (value, position)
  loop
    v_event := parlant_internal.read_document(v_event) || jsonb_build_object('session_id', p_session_id);
    if not v_event ? 'creation_utc' then
      v_event := v_event || jsonb_build_object(
        'creation_utc', parlant_internal.time_of_emission(v_table, p_session_id, p_ages[v_position]));
    end if;
    v_places := v_places || public.parlant_create_event(p_prefix, v_event, p_turn);
  end loop;

  if v_params is not null and p_turn is not null and not v_is_repeated then
    v_session := public.parlant_update_session(p_prefix, p_session_id, v_params, p_turn) -> 'document';
  elsif v_params is not null and not v_is_repeated then
    v_session := parlant_internal.merge_document(v_sessions, p_session_id, v_params);
  elsif v_params is not null or p_with_session then
    execute format('select d.data from %s as d where d.id = $1', v_sessions)
    into v_session
    using p_session_id;
  end if;

  return jsonb_build_object('places', v_places, 'session', v_session);
end;
$$;

comment on function
public.parlant_create_events(text, text, jsonb, double precision[], jsonb, boolean, jsonb) is
'Appends events to a Parlant session and changes the session.';

revoke all on function
public.parlant_create_events(text, text, jsonb, double precision[], jsonb, boolean, jsonb)
from public, anon, authenticated;
grant execute on function
public.parlant_create_events(text, text, jsonb, double precision[], jsonb, boolean, jsonb) to service_role;
