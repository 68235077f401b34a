-- purpose:         Renews or ends the leases of turns. A turn that another call holds this moment is passed
--                  over: whoever writes for it renews its lease.
-- p_prefix:        the session store's table prefix
-- p_turns:         [{"session_id": text, "turn": text, "state": "running" | "ended" | "released" | "failed"},
--                  ...]. Another server takes over a turn that was released, at once, and one that failed,
--                  which counts as an attempt
-- p_lease_seconds: how long a running turn's lease lasts from now
-- returns:         {"superseded": [text, ...]}, the sessions of running turns that newer ones have superseded
-- raises:          PD008 invalid argument
-- example:         select public.parlant_keep_turns(
--                    'parlant_sessions_', '[{"session_id": "s1", "turn": "x", "state": "running"}]', 20);
create or replace function public.parlant_keep_turns(
  p_prefix text,
  p_turns jsonb,
  p_lease_seconds double precision
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_lease interval := p_lease_seconds * interval '1 second';
  v_superseded jsonb;
begin
  perform parlant_internal.require_list(
    p_turns, 'turns', 'Write [{"session_id": "...", "turn": "...", "state": "running"}].', 1000);

  with
  kept as (
    select k.session_id, k.turn, k.state
    from jsonb_to_recordset(p_turns) as k (session_id text, turn text, state text)
  ),
  held as (
    select t.session_id, k.state
    from parlant_internal.turns as t
    join kept as k on k.session_id = t.session_id and k.turn = t.turn
    where t.prefix = p_prefix and t.lease_until is not null
    for update of t skip locked
  )
  update parlant_internal.turns as t
  set lease_until = case h.state when 'running' then v_now + v_lease when 'ended' then null else v_now end,
    question = case when h.state <> 'ended' then t.question end,
    attempts = case
      when h.state = 'released' and t.lease_until > v_now then greatest(t.attempts - 1, 0)
      else t.attempts end
  from held as h
  where t.prefix = p_prefix and t.session_id = h.session_id;

  select coalesce(jsonb_agg(k.session_id), '[]') into v_superseded
  from jsonb_to_recordset(p_turns) as k (session_id text, turn text, state text)
  join parlant_internal.turns as t on t.session_id = k.session_id and t.prefix = p_prefix
  where k.state = 'running'
    and t.turn <> k.turn
    and (t.has_begun or t.previous_turn is distinct from k.turn);

  return jsonb_build_object('superseded', v_superseded);
end;
$$;

comment on function public.parlant_keep_turns(text, jsonb, double precision) is
'Renews or ends the leases of turns of Parlant sessions.';

revoke all on function public.parlant_keep_turns(text, jsonb, double precision)
from public, anon, authenticated;
grant execute on function public.parlant_keep_turns(text, jsonb, double precision) to service_role;
