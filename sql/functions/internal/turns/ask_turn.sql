-- purpose:      Notes that a customer's message waits for an answer, which the turn of p_turn is going to
--               give. The turn before it may go on until this one writes. The caller holds the session.
-- p_prefix:     the session store's table prefix
-- p_session_id: the session's id
-- p_turn:       {"turn": text, "trace_id": text, "lease_seconds": number | null}, as in require_turn()
-- p_question:   the message's offset
-- returns:      nothing
-- raises:       nothing
create or replace function parlant_internal.ask_turn(
  p_prefix text,
  p_session_id text,
  p_turn jsonb,
  p_question bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  insert into parlant_internal.turns as t (
    prefix, session_id, turn, trace_id, question, asked_at, lease_until)
  values (
    p_prefix, p_session_id, p_turn ->> 'turn', p_turn ->> 'trace_id', p_question, v_now,
    v_now + (p_turn ->> 'lease_seconds')::double precision * interval '1 second')
  on conflict (prefix, session_id) do update
    set turn = excluded.turn,
      trace_id = excluded.trace_id,
      previous_turn = case when t.has_begun then t.turn else t.previous_turn end,
      has_begun = false,
      question = excluded.question,
      asked_at = excluded.asked_at,
      attempts = 1,
      lease_until = excluded.lease_until;
end;
$$;

comment on function parlant_internal.ask_turn(text, text, jsonb, bigint) is
'Notes that a customer''s message waits for an answer.';

revoke all on function parlant_internal.ask_turn(text, text, jsonb, bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.ask_turn(text, text, jsonb, bigint) to service_role;
