-- purpose:  Appends an event to a session. Its offset is one more than the greatest so far, and its
--           creation_utc, unless given, is the database's clock; both are taken while the session is
--           locked, so that several servers write to one session without a gap or a repetition and list
--           its events in the order of their offsets. Offsets that are no number from 0 to 2^53 - 1 are
--           not counted. The same event sent again is acknowledged.
-- p_prefix: the store's table prefix
-- p_event:  the event but for its offset; "id" and "session_id" are strings
-- p_turn:   the turn that writes it, as require_turn() takes it; its step is "asks" for the message of a
--           customer that the turn is going to answer. NULL if it is of no turn, and then never refused
-- returns:  {"offset": int, "creation_utc": text} of the stored event, or {"offset": null,
--           "creation_utc": null} if there is no such session
-- raises:   PD002 invalid document, PD003 duplicate document, PD004 collection not found, PD008 invalid
--           argument, PD010 superseded turn
-- example:  select public.parlant_create_event(
--             'parlant_sessions_', '{"id": "e2", "session_id": "s1", "kind": "message"}');
--
-- Lock order, here and wherever a session and its events change together: the session first, then events.
create or replace function public.parlant_create_event(
  p_prefix text,
  p_event jsonb,
  p_turn jsonb default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'events');
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_event jsonb := parlant_internal.read_document(p_event);
  v_stored jsonb;
begin
  perform parlant_internal.lock_keys(array[
    parlant_internal.document_key(v_sessions, v_event ->> 'session_id'),
    parlant_internal.document_key(v_table, v_event ->> 'id')]);

  if not parlant_internal.lock_document(v_sessions, v_event ->> 'session_id') then
    return jsonb_build_object('offset', null, 'creation_utc', null);
  end if;

  if p_turn ->> 'step' <> 'asks' then
    perform parlant_internal.require_turn(p_prefix, v_event ->> 'session_id', p_turn);
  end if;

  execute format(
    'insert into %1$s (data) select'
    ' jsonb_build_object(''creation_utc'', parlant_internal.utc_now()) || $1'
    ' || jsonb_build_object(''offset'', coalesce(('
    'select (d.data -> ''offset'')::bigint + 1 from %1$s as d'
    ' where d.session_id = $1 ->> ''session_id'''
    -- Only what can be counted on from: anybody who may write an event may write any offset.
    ' and %3$s between ''0'' and ''9007199254740991'''
    ' order by %2$s limit 1'
    '), 0))'
    ' on conflict (id) do nothing returning data',
    v_table,
    parlant_internal.order_term('offset', 'desc'),
    parlant_internal.order_key('d.data -> ''offset'''))
  into v_stored
  using v_event;

  if v_stored is null then
    execute format('select d.data from %s as d where d.id = $1', v_table)
    into v_stored
    using v_event ->> 'id';

    if v_stored is null then
      perform parlant_internal.refuse_suppressed_insert(v_table::regclass);
    end if;

    if v_stored - 'offset' - 'creation_utc' is distinct from v_event - 'offset' - 'creation_utc' then
      raise exception using
        errcode = 'PD003',
        message = 'a different event with that id exists',
        hint = 'Nothing was overwritten. Give the event an id of its own.';
    end if;
  elsif p_turn ->> 'step' = 'asks' then
    perform parlant_internal.ask_turn(
      p_prefix, v_event ->> 'session_id', p_turn, (v_stored -> 'offset')::bigint);
  end if;

  return jsonb_build_object(
    'offset', v_stored -> 'offset', 'creation_utc', v_stored -> 'creation_utc');
end;
$$;

comment on function public.parlant_create_event(text, jsonb, jsonb) is
'Appends an event to a Parlant session.';

revoke all on function public.parlant_create_event(text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_event(text, jsonb, jsonb) to service_role;
