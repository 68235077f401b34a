-- purpose:      Whether the agent has answered in a turn: a message of that trace which is no preamble.
-- p_events:     the table of events, which table_of() names
-- p_session_id: the session's id
-- p_trace_id:   the trace of the turn
-- p_question:   the offset after which the message has to be; NULL for any
-- returns:      whether there is one
-- raises:       nothing
create or replace function parlant_internal.has_replied(
  p_events regclass,
  p_session_id text,
  p_trace_id text,
  p_question bigint default null
)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_replied boolean;
begin
  execute format(
    'select exists (select from %s as d where d.session_id = $1'
    ' and d.data ->> ''trace_id'' = $2'
    ' and d.data ->> ''kind'' = ''message'''
    ' and d.data ->> ''source'' = ''ai_agent'''
    ' and not coalesce(d.data -> ''data'' -> ''tags'' ? ''__preamble__'', false)'
    ' and ($3 is null or %s > to_jsonb($3)))',
    p_events, parlant_internal.order_key('d.data -> ''offset'''))
  into v_replied
  using p_session_id, p_trace_id, p_question;

  return v_replied;
end;
$$;

comment on function parlant_internal.has_replied(regclass, text, text, bigint) is
'Whether the agent has answered in a turn.';

revoke all on function parlant_internal.has_replied(regclass, text, text, bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.has_replied(regclass, text, text, bigint) to service_role;
