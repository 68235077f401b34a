begin;
create extension if not exists pgtap with schema extensions;
select plan(30);

set local role service_role;

select lives_ok(
  $$select public.parlant_open_store('pgtap_x_', '{sessions,events}', '0.9.0')$$,
  'a store'
);

insert into public.pgtap_x_sessions (data)
values
('{"id": "s1", "creation_utc": "1", "agent_id": "a1", "customer_id": "c1", "mode": "auto", "labels": ["x"]}'),
('{"id": "s2", "creation_utc": "2"}'),
('{"id": "s3", "creation_utc": "3"}');

create function pg_temp.time_of(p_id text) returns timestamptz language sql as $$
  select e.creation_utc::timestamptz from public.pgtap_x_events as e where e.id = p_id
$$;

create function pg_temp.offsets() returns jsonb language sql as $$
  select jsonb_agg(jsonb_build_array(e.id, e.data -> 'offset') order by e.creation_utc, e.id)
  from public.pgtap_x_events as e
  where e.session_id = 's1'
$$;

-- Events in their order.

select is(
  jsonb_path_query_array(
    public.parlant_create_events(
      'pgtap_x_', 's1', '[{"id": "b", "kind": "status"}, {"id": "a", "session_id": "s2"}]'
    ) -> 'places',
    '$[*].offset'
  ),
  '[0, 1]',
  'events follow each other'
);
select is(pg_temp.offsets(), '[["b", 0], ["a", 1]]', 'and are read in that order, whatever their ids');
select is(
  (
    select e.data - 'creation_utc' from public.pgtap_x_events as e
    where e.id = 'b'
  ),
  '{"id": "b", "kind": "status", "offset": 0, "session_id": "s1"}',
  'what is stored is the event in its session'
);
select is(
  public.parlant_create_events('pgtap_x_', 's1', '[{"id": "given", "creation_utc": "2020"}]'),
  '{"places": [{"offset": 2, "creation_utc": "2020"}], "session": null}',
  'an event keeps the time that it is given, and the session comes only if it is asked for'
);
select is(
  public.parlant_create_events('pgtap_x_', 'none', '[{"id": "lost"}]', p_params => '{"mode": "manual"}'),
  '{"places": null, "session": null}',
  'there is no event without its session'
);

-- Times of emission.

create temporary table before_emission as select clock_timestamp() as moment;
select lives_ok(
  $$select public.parlant_create_events(
      'pgtap_x_', 's3', '[{"id": "old"}, {"id": "newer"}, {"id": "new"}, {"id": "now"}]', '{60, 30, null}')$$,
  'events of different ages'
);
select
  ok(
    pg_temp.time_of('old') between b.moment
    - interval '60 seconds' and clock_timestamp()
    - interval '60 seconds',
    'an event has the time of its emission'
  )
from before_emission as b;
select ok(
  pg_temp.time_of('newer') - pg_temp.time_of('old') between interval '29 seconds' and interval '40 seconds',
  'each its own'
);
select
  ok(
    pg_temp.time_of('new') >= b.moment and pg_temp.time_of('now') > pg_temp.time_of('new'),
    'without an age it is the present, after all events before it'
  )
from before_emission as b;

select lives_ok(
  $$select public.parlant_create_events(
      'pgtap_x_', 's3', '[{"id": "y"}, {"id": "x"}, {"id": "ahead"}]', '{3600, 3600, -5}')$$,
  'events that were emitted before others that are stored'
);
select ok(
  pg_temp.time_of('y') > pg_temp.time_of('now')
  and pg_temp.time_of('x') > pg_temp.time_of('y')
  and pg_temp.time_of('ahead') > pg_temp.time_of('x'),
  'come after those, each after the one before'
);
select ok(pg_temp.time_of('ahead') <= clock_timestamp(), 'and none lies ahead');

insert into public.pgtap_x_events (data)
values
('{"id": "odd", "session_id": "s2", "creation_utc": "2", "offset": 7}'),
('{"id": "far", "session_id": "s2", "creation_utc": "2999-01-01T00:00:00+00:00", "offset": 8}');
select ok(
  (
    public.parlant_create_events('pgtap_x_', 's2', '[{"id": "z"}]', '{1e9}') #>> '{places,0,creation_utc}'
  )::timestamptz between clock_timestamp() - interval '1 day 1 minute' and clock_timestamp(),
  'times that are none or lie ahead do not count, and no age is more than a day'
);
update public.pgtap_x_events as e
set
  data = e.data || jsonb_build_object(
    'creation_utc', left(parlant_internal.iso_time(clock_timestamp()), 19) || 'Z'
  )
where e.id = 'odd';
select lives_ok(
  $$select public.parlant_create_events('pgtap_x_', 's2', '[{"id": "zz"}]', '{3}')$$,
  'a time in another form is passed over'
);

-- The session.

select is(
  public.parlant_create_events('pgtap_x_', 's1', '[{"id": "s"}]', p_with_session => true)
  -> 'session'
  ->> 'mode',
  'auto',
  'the session comes if it is asked for'
);
select is(
  public.parlant_create_events('pgtap_x_', 's1', '[{"id": "m"}]', p_params => '{"mode": "manual"}')
  -> 'session',
  '{"id": "s1", "creation_utc": "1", "agent_id": "a1", "customer_id": "c1", "mode": "manual",
    "labels": ["x"]}',
  'changes of the session are merged, and it is returned'
);
update public.pgtap_x_sessions as s set data = s.data || '{"mode": "paused"}'
where s.id = 's1';
select is(
  public.parlant_create_events('pgtap_x_', 's1', '[{"id": "m"}]', p_params => '{"mode": "manual"}')
  #- '{places,0,creation_utc}' #- '{session,labels}',
  '{"places": [{"offset": 4}],
    "session": {"id": "s1", "creation_utc": "1", "agent_id": "a1", "customer_id": "c1", "mode": "paused"}}',
  'the same call again is acknowledged, and what has happened to the session since stays'
);
select throws_ok(
  $$select public.parlant_create_events('pgtap_x_', 's1', '[{"id": "n"}]', p_params => '{"id": "s2"}')$$,
  'PD003', 'another document has the id that this one was to get',
  'a session gets no id that another has'
);

-- All or nothing.

select throws_ok(
  $$select public.parlant_create_events(
      'pgtap_x_', 's1', '[{"id": "first"}, {"id": "b", "kind": "tool"}]', p_params => '{"mode": "auto"}')$$,
  'PD003', 'a different event with that id exists',
  'another event of the same id is refused'
);
select is(
  (
    select count(*) from public.pgtap_x_events as e
    where e.id in ('first', 'n', 'lost')
  ),
  0::bigint,
  'with all that came with it'
);

-- Turns.

create function pg_temp.write_for(p_turn text, p_event text, p_state text) returns jsonb language sql as $$
  select public.parlant_create_events(
    'pgtap_x_', 's3', jsonb_build_array(jsonb_build_object('id', p_event)), null,
    jsonb_build_object('agent_states', jsonb_build_array(jsonb_build_object('trace_id', p_state))), false,
    jsonb_build_object(
      'turn', p_turn, 'trace_id', p_turn, 'step', 'goes on', 'fenced', true, 'lease_seconds', 20))
$$;
select is(
  pg_temp.write_for('first', 'of the first', 't1') #> '{session,agent_states}',
  '[{"trace_id": "t1"}]',
  'a turn writes its events and what it adds to the session'
);
select public.parlant_create_event(
  'pgtap_x_', '{"id": "question", "session_id": "s3"}',
  '{"turn": "second", "trace_id": "second", "step": "asks", "lease_seconds": 20}'
);
select is(
  pg_temp.write_for('second', 'of the second', 't2') #> '{session,agent_states}',
  '[{"trace_id": "t1"}, {"trace_id": "t2"}]',
  'so does the next'
);
select throws_ok(
  $$select pg_temp.write_for('first', 'too late', 't3')$$,
  'PD010', 'a newer turn of the session has begun',
  'after which the first is refused'
);

-- The list.

select is(
  jsonb_path_query_array(
    public.parlant_create_events('pgtap_x_', 's1', to_jsonb('[{"id": "text", "n": 1.0}]'::text)) -> 'places',
    '$[*].offset'
  ),
  '[5]',
  'the list may be sent as its JSON text'
);
select throws_ok(
  $$select public.parlant_create_events('pgtap_x_', 's1', '{}')$$,
  'PD008', 'the events must be a list, got object', 'it has to be a list'
);
select throws_ok(
  $$select public.parlant_create_events('pgtap_x_', 's1', '[]')$$,
  'PD008', 'the list of events is empty', 'of at least one event'
);
select throws_ok(
  $$select public.parlant_create_events(
      'pgtap_x_', 's1', (select jsonb_agg(jsonb_build_object('id', n)) from generate_series(1, 51) as n))$$,
  'PD008', 'at most 50 events may be in a call, got 51', 'and of 50 at most'
);
select throws_ok(
  $$select public.parlant_create_events('pgtap_x_', 's1', '[7]')$$,
  'PD002', 'a document must be an object, got number', 'of documents'
);
select throws_ok(
  $$select public.parlant_create_events('pgtap_none_', 's1', '[{"id": "e"}]')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
