-- purpose:            Claims sessions whose newest customer message has no answer and no server that is at
--                     work on it: its lease has run out, or the server has given it back. After a start of
--                     the database nothing is claimed for as long as a lease lasts, because nobody could
--                     renew one meanwhile. Turns that others hold this moment are passed over.
-- p_prefix:           the session store's table prefix
-- p_turn:             names the turns that are claimed; the same call made again returns the same turns
-- p_agent_ids:        the agents that the server has
-- p_lease_seconds:    how long the new leases last
-- p_max_age_seconds:  how old a message may be
-- p_max_attempts:     how many servers may try to answer a message
-- p_limit:            the most sessions to return
-- returns:            {"turns": [{"session_id": text, "outcome": text, "trace_id": text | null}, ...]}.
--                     The outcome is "claimed"; "answered", "expired" or "given up" if no answer is going to
--                     come from a server, the message being answered, too old, or tried too often. trace_id
--                     is that of the turn before
-- raises:             PD004 collection not found, PD008 invalid argument
-- example:            select public.parlant_claim_turns('parlant_sessions_', 'x', '{a1}', 20, 600, 2, 10);
create or replace function public.parlant_claim_turns(
  p_prefix text,
  p_turn text,
  p_agent_ids text[],
  p_lease_seconds double precision,
  p_max_age_seconds double precision,
  p_max_attempts integer,
  p_limit integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_prefix, 'sessions');
  v_events text := parlant_internal.table_of(p_prefix, 'events');
  v_lease interval := p_lease_seconds * interval '1 second';
  v_now timestamptz := clock_timestamp();
  v_due record;
  v_outcome text;
  v_turns jsonb := '[]';
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception using
      errcode = 'PD008',
      message = 'the limit must be a number from 1 to 1000',
      hint = 'Claim turns in several calls.';
  end if;

  for v_due in execute format(
    'select t.*, s.data as session from parlant_internal.turns as t'
    ' left join %s as s on s.id = t.session_id'
    ' where t.prefix = $1 and t.lease_until < $2 and $2 > pg_postmaster_start_time() + $3'
    ' and (s.id is null or s.data ->> ''agent_id'' = any ($4) or t.asked_at < $5)'
    ' order by t.lease_until limit $6 for update of t skip locked', v_sessions)
    using
      p_prefix, v_now, v_lease, p_agent_ids,
      v_now - p_max_age_seconds * interval '1 second', p_limit
  loop
    v_outcome := case
      when v_due.session is null
        or v_due.session ->> 'mode' = 'manual'
        or not parlant_internal.is_asked(v_events, v_due.session_id, v_due.question) then 'not asked'
      when parlant_internal.has_answer(v_events, v_due.session_id, v_due.trace_id, v_due.question)
        then 'answered'
      when v_due.asked_at < v_now - p_max_age_seconds * interval '1 second' then 'expired'
      when v_due.attempts >= p_max_attempts then 'given up'
      else 'claimed' end;

    if v_due.session is null then
      perform parlant_internal.forget_turns(p_prefix, array[v_due.session_id]);
    elsif v_outcome = 'claimed' then
      update parlant_internal.turns as t
      set turn = p_turn,
        trace_id = null,
        has_begun = true,
        previous_turn = null,
        attempts = t.attempts + 1,
        lease_until = v_now + v_lease
      where t.prefix = p_prefix and t.session_id = v_due.session_id;
    else
      update parlant_internal.turns as t
      set question = null,
        lease_until = null
      where t.prefix = p_prefix and t.session_id = v_due.session_id;
    end if;

    if v_outcome <> 'not asked' then
      v_turns := v_turns || jsonb_build_object(
        'session_id', v_due.session_id, 'outcome', v_outcome, 'trace_id', v_due.trace_id);
    end if;
  end loop;

  -- Those of the same call whose answer was lost.
  return jsonb_build_object('turns', v_turns || (
    select coalesce(
      jsonb_agg(jsonb_build_object('session_id', t.session_id, 'outcome', 'claimed', 'trace_id', null)), '[]')
    from parlant_internal.turns as t
    where t.prefix = p_prefix and t.turn = p_turn and t.lease_until > v_now and t.trace_id is null
      and not v_turns @> jsonb_build_array(jsonb_build_object('session_id', t.session_id))));
end;
$$;

comment on function
public.parlant_claim_turns(
  text, text, text[], double precision, double precision, integer, integer
) is
'Claims Parlant sessions whose newest customer message nobody is answering.';

revoke all on function
public.parlant_claim_turns(
  text, text, text[], double precision, double precision, integer, integer
)
from public, anon, authenticated;
grant execute on function
public.parlant_claim_turns(
  text, text, text[], double precision, double precision, integer, integer
) to service_role;
