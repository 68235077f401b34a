begin;
create extension if not exists pgtap with schema extensions;
select plan(6);

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

insert into public.pgtap_x_events (data)
values
('{"id": "e1", "session_id": "s1", "creation_utc": "1", "offset": 0, "source": "customer", "kind": "message",
  "trace_id": "t1", "deleted": false}'),
('{"id": "e2", "session_id": "s1", "creation_utc": "2", "offset": 1, "source": "ai_agent", "kind": "status",
  "trace_id": "t1", "deleted": true}'),
('{"id": "e3", "session_id": "s1", "creation_utc": "3", "offset": 2, "source": "ai_agent", "kind": "message",
  "trace_id": "t2", "deleted": false}'),
('{"id": "e4", "session_id": "s2", "creation_utc": "4", "offset": 0, "source": "customer", "kind": "message",
  "trace_id": "t3", "deleted": false}');

select is(
  public.parlant_read_event('pgtap_x_', 's1', 'e1') #>> '{document,kind}',
  'message',
  'the event'
);

select is(
  public.parlant_read_event('pgtap_x_', 's1', 'e2') #>> '{document,deleted}',
  'true',
  'also a deleted one'
);

select is(
  public.parlant_read_event('pgtap_x_', 's1', 'none'),
  '{"session_exists": true, "document": null}'::jsonb,
  'an event that is not there'
);

select is(
  public.parlant_read_event('pgtap_x_', 'none', 'e1'),
  '{"session_exists": false, "document": null}'::jsonb,
  'a session that is not there'
);

select throws_ok(
  $$select public.parlant_read_event('pgtap_none_', 's1', 'e1')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
