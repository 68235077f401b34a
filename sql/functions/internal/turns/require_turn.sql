-- purpose:      Refuses what a turn writes if a newer turn of the session has begun, unless the turn has
--               answered already: then it may finish. Otherwise it renews the turn's lease, where a third of
--               it is over, or ends it. The caller holds the session, and writes for the turn.
-- p_prefix:     the session store's table prefix
-- p_session_id: the session's id
-- p_turn:       {"turn": text, "trace_id": text | null, "step": "begins" | "goes on" | "ends",
--               "fenced": bool, "lease_seconds": number | null}. "begins" is for a turn that answers no
--               message of a customer; where it is not fenced, nothing is refused
-- returns:      nothing
-- raises:       PD008 invalid argument, PD010 superseded turn
create or replace function parlant_internal.require_turn(
  p_prefix text,
  p_session_id text,
  p_turn jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_turn text := p_turn ->> 'turn';
  v_trace_id text := p_turn ->> 'trace_id';
  v_step text := p_turn ->> 'step';
  v_lease interval := (p_turn ->> 'lease_seconds')::double precision * interval '1 second';
  v_now timestamptz := clock_timestamp();
  v_newest record;
begin
  if v_turn is null or v_step is null
    or v_step not in ('begins', 'goes on', 'ends') then
    raise exception using
      errcode = 'PD008',
      message = 'a turn needs a name and a step',
      hint = 'Write {"turn": "...", "trace_id": "...", "step": "goes on", "lease_seconds": 20}.';
  end if;

  select t.turn, t.trace_id, t.has_begun, t.previous_turn, t.lease_until into v_newest
  from parlant_internal.turns as t
  where t.prefix = p_prefix and t.session_id = p_session_id
  for no key update;

  -- Nobody else has begun a turn, or this one was not announced by a message.
  if not found or (v_step = 'begins' and v_newest.turn <> v_turn) then
    insert into parlant_internal.turns as t (prefix, session_id, turn, trace_id, has_begun, lease_until)
    values (
      p_prefix, p_session_id, v_turn, v_trace_id, true, case when v_step <> 'ends' then v_now + v_lease end)
    on conflict (prefix, session_id) do update
      set turn = excluded.turn,
        trace_id = excluded.trace_id,
        previous_turn = null,
        has_begun = true,
        attempts = 1,
        lease_until = excluded.lease_until;
    return;
  end if;

  if v_newest.turn = v_turn then
    if v_step = 'ends' then
      update parlant_internal.turns as t
      set has_begun = true,
        trace_id = coalesce(v_trace_id, t.trace_id),
        previous_turn = null,
        question = null,
        lease_until = null
      where t.prefix = p_prefix and t.session_id = p_session_id;
    elsif not v_newest.has_begun
      or v_newest.trace_id is distinct from coalesce(v_trace_id, v_newest.trace_id)
      or v_newest.lease_until < v_now + v_lease * 2 / 3
    then
      update parlant_internal.turns as t
      set has_begun = true,
        trace_id = coalesce(v_trace_id, t.trace_id),
        previous_turn = null,
        lease_until = v_now + v_lease
      where t.prefix = p_prefix and t.session_id = p_session_id;
    end if;
    return;
  end if;

  if coalesce((p_turn ->> 'fenced')::boolean, false)
    and (v_newest.has_begun or v_newest.previous_turn is distinct from v_turn)
    and not parlant_internal.has_replied(
      parlant_internal.table_of(p_prefix, 'events'), p_session_id, v_trace_id)
  then
    raise exception using
      errcode = 'PD010',
      message = 'a newer turn of the session has begun',
      hint = 'Nothing was written. Let the turn end as one that was cancelled: the newer one answers.';
  end if;
end;
$$;

comment on function parlant_internal.require_turn(text, text, jsonb) is
'Refuses what a turn writes if a newer turn of the session has begun; renews its lease.';

revoke all on function parlant_internal.require_turn(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.require_turn(text, text, jsonb) to service_role;
