begin;
create extension if not exists pgtap with schema extensions;
select plan(15);

set local role service_role;

select lives_ok(
  $$select public.parlant_open_store('pgtap_x_', '{sessions,events}', '0.9.0')$$,
  'a store'
);

insert into public.pgtap_x_sessions (data)
values
('{"id": "s1", "creation_utc": "1", "agent_id": "a1", "customer_id": "c1", "metadata": {"k": 1},
  "labels": ["x", "y"]}'),
('{"id": "s2", "creation_utc": "2", "agent_id": "a1", "customer_id": "c2", "metadata": {}, "labels": ["x"]}'),
('{"id": "s3", "creation_utc": "3", "agent_id": "a2", "customer_id": "c1", "metadata": {}, "labels": []}');

create function pg_temp.create_event(
  p_id text, p_session_id text, p_more jsonb
) returns jsonb language sql as $$
  select public.parlant_create_event(
    'pgtap_x_', jsonb_build_object('id', $1, 'session_id', $2) || $3)
$$;

select is(
  pg_temp.create_event('e1', 's1', '{}') -> 'offset',
  '0'::jsonb,
  'the first event has offset 0'
);

select is(
  pg_temp.create_event('e2', 's1', '{"creation_utc": "2020"}'),
  '{"offset": 1, "creation_utc": "2020"}'::jsonb,
  'the next has the next offset, and the creation_utc that it was given'
);

select is(
  pg_temp.create_event('f1', 's2', '{}') -> 'offset',
  '0'::jsonb,
  'each session counts for itself'
);

select is(
  pg_temp.create_event('e3', 'none', '{}'),
  '{"offset": null, "creation_utc": null}'::jsonb,
  'there is no event without its session'
);

select matches(
  (
    select e.creation_utc from public.pgtap_x_events as e
    where e.id = 'e1'
  ),
  '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$',
  'creation_utc is written as Python writes it'
);

select is(
  pg_temp.create_event('e2', 's1', '{"creation_utc": "2021"}'),
  '{"offset": 1, "creation_utc": "2020"}'::jsonb,
  'the same event again is acknowledged with what is stored'
);

select throws_ok(
  $$select pg_temp.create_event('e2', 's1', '{"kind": "tool"}')$$,
  'PD003', 'a different event with that id exists',
  'another event of the same id is refused'
);

select throws_ok(
  $$select pg_temp.create_event('e2', 's2', '{}')$$,
  'PD003', 'a different event with that id exists',
  'in another session too'
);

update public.pgtap_x_events as e set data = e.data || '{"offset": 41, "deleted": true}'
where e.id = 'e2';

select is(
  pg_temp.create_event('e4', 's1', '{}') -> 'offset',
  '42'::jsonb,
  'deleted events count'
);

select is(
  (select count(*) from public.pgtap_x_events),
  4::bigint,
  'and nothing else was written'
);

select throws_ok(
  $$select public.parlant_create_event('pgtap_x_', '{"session_id": "s1"}')$$,
  'PD002', 'the id of a document must be a string, got no id',
  'an event needs an id'
);

select throws_ok(
  $$select public.parlant_create_event('pgtap_none_', '{}')$$,
  'PD004', 'collection ''events'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

-- Offsets that are none, in documents that something else wrote.

insert into public.pgtap_x_sessions (data) values ('{"id": "odd"}');
insert into public.pgtap_x_events (data)
values
('{"id": "odd1", "session_id": "odd", "offset": null}'),
('{"id": "odd2", "session_id": "odd", "offset": true}'),
('{"id": "odd3", "session_id": "odd", "offset": [7]}');

select is(
  public.parlant_create_event('pgtap_x_', '{"id": "odd4", "session_id": "odd"}') -> 'offset', '0'::jsonb,
  'what is no number does not count as an offset'
);
select is(
  public.parlant_create_event('pgtap_x_', '{"id": "odd5", "session_id": "odd"}') -> 'offset', '1'::jsonb,
  'and hides none that is'
);

select f.line from finish() as f (line);
rollback;
