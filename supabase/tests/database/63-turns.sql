-- Turns and their leases: parlant_create_event and parlant_update_session for a turn, parlant_keep_turns,
-- parlant_claim_turns.
begin;
create extension if not exists pgtap with schema extensions;
select plan(58);

set local role service_role;

select lives_ok(
  $$select public.parlant_open_store('pgtap_t_', '{sessions,events}', '0.9.0')$$,
  'a store'
);

insert into public.pgtap_t_sessions (data)
select jsonb_build_object('id', 's' || n, 'agent_id', 'a', 'mode', 'auto', 'agent_states', '[]'::jsonb)
from generate_series(1, 9) as n;

create sequence pg_temp.ids;

create function pg_temp.turn(p_turn text, p_step text, p_more jsonb default '{}') returns jsonb
language sql as $$
  select jsonb_build_object(
    'turn', $1, 'trace_id', 'trace of ' || $1, 'step', $2, 'lease_seconds', 30, 'fenced', true) || $3
$$;

create function pg_temp.write(p_session_id text, p_turn jsonb, p_more jsonb) returns jsonb
language sql as $$
  select public.parlant_create_event(
    'pgtap_t_',
    jsonb_build_object('id', 'e' || nextval('pg_temp.ids'), 'session_id', $1, 'deleted', false)
    || jsonb_build_object('trace_id', $2 ->> 'trace_id') || $3,
    $2) -> 'offset'
$$;

-- The message of a customer that is to be answered in a turn.
create function pg_temp.ask(p_session_id text, p_turn text) returns jsonb language sql as $$
  select pg_temp.write($1, pg_temp.turn($2, 'asks'), '{"source": "customer", "kind": "message"}')
$$;

create function pg_temp.status(p_session_id text, p_turn text, p_more jsonb default '{}') returns jsonb
language sql as $$
  select pg_temp.write($1, pg_temp.turn($2, 'goes on', $3), '{"source": "ai_agent", "kind": "status"}')
$$;

create function pg_temp.reply(p_session_id text, p_turn text, p_tags jsonb default '[]') returns jsonb
language sql as $$
  select pg_temp.write(
    $1, pg_temp.turn($2, 'goes on'),
    jsonb_build_object('source', 'ai_agent', 'kind', 'message', 'data', jsonb_build_object('tags', $3)))
$$;

create function pg_temp.finish(p_session_id text, p_turn text) returns jsonb language sql as $$
  select public.parlant_update_session(
    'pgtap_t_', $1,
    jsonb_build_object('agent_states', jsonb_build_array(jsonb_build_object('trace_id', 'trace of ' || $2))),
    pg_temp.turn($2, 'ends')) -> 'document' -> 'agent_states'
$$;

create function pg_temp.keep(p_session_id text, p_turn text, p_state text) returns jsonb language sql as $$
  select public.parlant_keep_turns(
    'pgtap_t_', jsonb_build_array(jsonb_build_object('session_id', $1, 'turn', $2, 'state', $3)), 30)
    -> 'superseded'
$$;

create function pg_temp.claim(p_turn text, p_agents text[] default '{a}', p_age double precision default 600)
returns jsonb language sql as $$
  -- A short lease, or the database would have to be up for as long as one lasts.
  select public.parlant_claim_turns('pgtap_t_', $1, $2, 0.001, $3, 2, 10) -> 'turns'
$$;

create function pg_temp.state_of(p_session_id text) returns parlant_internal.turns language sql as $$
  select t.* from parlant_internal.turns as t where t.prefix = 'pgtap_t_' and t.session_id = $1
$$;

create function pg_temp.lapse(p_session_id text) returns void language sql as $$
  update parlant_internal.turns as t set lease_until = clock_timestamp() - interval '1 second'
  where t.prefix = 'pgtap_t_' and t.session_id = $1
$$;

-- A turn from its beginning to its end.

select is(pg_temp.ask('s1', 'one'), '0'::jsonb, 'a message is asked');
select results_eq(
  $$select t.turn, t.question, t.attempts, t.has_begun,
      t.lease_until > clock_timestamp() + interval '20 seconds'
    from pg_temp.state_of('s1') as t$$,
  $$values ('one' collate "C", 0::bigint, 1, false, true)$$,
  'its turn has a lease, and has not begun'
);
select is(pg_temp.claim('x'), '[]'::jsonb, 'nobody claims it meanwhile');
select is(pg_temp.status('s1', 'one'), '1'::jsonb, 'it writes');
select ok((pg_temp.state_of('s1')).has_begun, 'so it has begun');
select is(pg_temp.reply('s1', 'one'), '2'::jsonb, 'it replies');
select is(pg_temp.finish('s1', 'one'), '[{"trace_id": "trace of one"}]'::jsonb, 'it adds its state');
select is((pg_temp.state_of('s1')).lease_until, null, 'it has ended');
select is(pg_temp.finish('s1', 'one'), '[{"trace_id": "trace of one"}]'::jsonb, 'once, if it is sent again');
select is(pg_temp.status('s1', 'one'), '3'::jsonb, 'it may write after its end');
select is((pg_temp.state_of('s1')).lease_until, null, 'which takes no lease');
select is(pg_temp.claim('x'), '[]'::jsonb, 'nobody claims it afterwards');

-- A newer turn.

select is(pg_temp.ask('s2', 'one'), '0'::jsonb, 'a message');
select is(pg_temp.status('s2', 'one'), '1'::jsonb, 'whose turn begins');
select is(pg_temp.ask('s2', 'two'), '2'::jsonb, 'a second message');
select is(pg_temp.status('s2', 'one'), '3'::jsonb, 'the first turn goes on until the second begins');
select is(pg_temp.keep('s2', 'one', 'running'), '[]'::jsonb, 'and is not called superseded');
select is(pg_temp.ask('s2', 'three'), '4'::jsonb, 'a third message');
select throws_ok($$select pg_temp.status('s2', 'two')$$, 'PD010', null, 'the second turn never begins');
select is(pg_temp.status('s2', 'three'), '5'::jsonb, 'the third begins');
select throws_ok(
  $$select pg_temp.reply('s2', 'one')$$,
  'PD010',
  'a newer turn of the session has begun',
  'the first may not reply'
);
select throws_ok($$select pg_temp.finish('s2', 'one')$$, 'PD010', null, 'nor add a state');
select is(pg_temp.keep('s2', 'one', 'running'), '["s2"]'::jsonb, 'it is told that it is superseded');
select is(
  pg_temp.write('s2', null, '{"source": "human_agent", "kind": "message"}'), '6'::jsonb,
  'what is of no turn is never refused'
);
select is(
  pg_temp.status('s2', 'one', '{"fenced": false}'), '7'::jsonb, 'nor is a turn that is not fenced'
);
select is(pg_temp.keep('s2', 'three', 'running'), '[]'::jsonb, 'the third goes on');

-- A turn that has replied may finish.

select is(pg_temp.ask('s3', 'one'), '0'::jsonb, 'a message');
select is(pg_temp.reply('s3', 'one', '["__preamble__"]'), '1'::jsonb, 'a preamble');
select is(pg_temp.ask('s3', 'two'), '2'::jsonb, 'a second message');
select is(pg_temp.status('s3', 'two'), '3'::jsonb, 'whose turn begins');
select throws_ok($$select pg_temp.status('s3', 'one')$$, 'PD010', null, 'a preamble is no reply');
select is(pg_temp.reply('s3', 'two'), '4'::jsonb, 'a reply');
select is(pg_temp.ask('s3', 'three'), '5'::jsonb, 'a third message');
select is(pg_temp.status('s3', 'three'), '6'::jsonb, 'whose turn begins');
select is(pg_temp.reply('s3', 'two'), '7'::jsonb, 'the second turn finishes its reply');
select is(
  pg_temp.finish('s3', 'two'), '[{"trace_id": "trace of two"}]'::jsonb, 'and adds its state'
);
select is(
  pg_temp.finish('s3', 'three'), '[{"trace_id": "trace of two"}, {"trace_id": "trace of three"}]'::jsonb,
  'which the third turn does not overwrite'
);

-- Turns whose server is gone.

select is(pg_temp.ask('s4', 'one'), '0'::jsonb, 'a message');
select is(pg_temp.status('s4', 'one'), '1'::jsonb, 'whose turn begins');
select pg_temp.lapse('s4');
select is(pg_temp.claim('x', '{another}'), '[]'::jsonb, 'a server without the agent claims nothing');
select is(
  pg_temp.claim('x'),
  '[{"session_id": "s4", "outcome": "claimed", "trace_id": "trace of one"}]'::jsonb, 'one with it does'
);
select throws_ok($$select pg_temp.reply('s4', 'one')$$, 'PD010', null, 'a server that comes back is refused');
select is(pg_temp.status('s4', 'x'), '2'::jsonb, 'the turn that was claimed writes');
select is(pg_temp.keep('s4', 'x', 'released'), '[]'::jsonb, 'its server is stopped, and releases it');
select is(
  pg_temp.claim('y') -> 0 ->> 'outcome', 'claimed', 'so that another claims it, which is no further attempt'
);
select pg_temp.lapse('s4');
select is(pg_temp.claim('z') -> 0 ->> 'outcome', 'given up', 'two servers were gone, so it is given up');
select is(pg_temp.claim('z'), '[]'::jsonb, 'once');

select is(pg_temp.ask('s5', 'one'), '0'::jsonb, 'a message');
select is(pg_temp.reply('s5', 'one'), '1'::jsonb, 'a reply, and its server is gone');
select pg_temp.lapse('s5');
select is(pg_temp.claim('x') -> 0 ->> 'outcome', 'answered', 'the message is answered');

select pg_temp.ask('s6', 'one');
select pg_temp.lapse('s6');
select is(pg_temp.claim('x', '{a}', -1) -> 0 ->> 'outcome', 'expired', 'a message may be too old');

select pg_temp.ask('s7', 'one');
select pg_temp.lapse('s7');
update public.pgtap_t_sessions as s set data = s.data || '{"mode": "manual"}'
where s.id = 's7';
select pg_temp.ask('s8', 'one');
select pg_temp.lapse('s8');
update public.pgtap_t_events as e set data = e.data || '{"deleted": true}'
where e.session_id = 's8';
select is(pg_temp.claim('x'), '[]'::jsonb, 'nobody waits in manual mode, or for a deleted message');

select pg_temp.status('s9', 'greeting');
select pg_temp.lapse('s9');
select is(pg_temp.claim('x'), '[]'::jsonb, 'nor for a turn that no message asked for');

-- What is deleted is forgotten.

select is(
  public.parlant_delete_session('pgtap_t_', 's1') -> 'deleted', 'true'::jsonb, 'a session is deleted'
);
select is(
  public.parlant_erase_session('pgtap_t_', 's2') -> 'done', 'true'::jsonb, 'another is erased'
);
select results_eq(
  $$select count(*)::int from parlant_internal.turns as t
    where t.prefix = 'pgtap_t_' and t.session_id in ('s1', 's2')$$,
  $$values (0)$$,
  'nothing is left of their turns'
);
select public.parlant_delete_collection('pgtap_t_', 'sessions');
select is_empty(
  $$select t.session_id from parlant_internal.turns as t where t.prefix = 'pgtap_t_'$$,
  'nor of any, without the collection'
);

select f.line from finish() as f (line);
rollback;
