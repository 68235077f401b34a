-- purpose:      Whether a customer's message has an answer: by the agent in the turn that is to give it, or
--               by a person, in any.
-- p_events:     the table of events, which table_of() names
-- p_session_id: the session's id
-- p_trace_id:   the trace of the turn; NULL if it has written nothing
-- p_question:   the message's offset
-- returns:      whether there is one
-- raises:       nothing
create or replace function parlant_internal.has_answer(
  p_events regclass,
  p_session_id text,
  p_trace_id text,
  p_question bigint
)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answered boolean;
begin
  if parlant_internal.has_replied(p_events, p_session_id, p_trace_id, p_question) then
    return true;
  end if;

  execute format(
    'select exists (select from %s as d where d.session_id = $1 and %s > to_jsonb($2)'
    ' and d.data ->> ''kind'' = ''message'''
    ' and d.data ->> ''source'' in (''human_agent'', ''human_agent_on_behalf_of_ai_agent''))',
    p_events, parlant_internal.order_key('d.data -> ''offset'''))
  into v_answered
  using p_session_id, p_question;

  return v_answered;
end;
$$;

comment on function parlant_internal.has_answer(regclass, text, text, bigint) is
'Whether a customer''s message has an answer.';

revoke all on function parlant_internal.has_answer(regclass, text, text, bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.has_answer(regclass, text, text, bigint) to service_role;
