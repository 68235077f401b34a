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
  public.parlant_check_events(
    'pgtap_x_',
    '[
      {"session_id": "s1"},
      {"session_id": "s1", "min_offset": 3},
      {"session_id": "s1", "min_offset": 2},
      {"session_id": "s1", "min_offset": 1, "trace_id": "t1"},
      {"session_id": "s1", "source": "customer", "kinds": ["message", "tool"]},
      {"session_id": "s1", "source": "customer", "kinds": ["tool"]},
      {"session_id": "s1", "source": null, "trace_id": null, "kinds": null, "min_offset": null},
      {"session_id": "s3"},
      {"session_id": "none"},
      {}
    ]'
  ),
  '{"results": [true, false, true, false, true, false, true, false, null, null]}'::jsonb,
  'each watch has its own answer; deleted events do not count'
);

select is(public.parlant_check_events('pgtap_x_', '[]'), '{"results": []}'::jsonb, 'nobody waits');

select throws_ok(
  $$select public.parlant_check_events('pgtap_x_', null)$$,
  'PD008', 'the watches must be a list, got null',
  'no list is an error'
);

select throws_ok(
  $$select public.parlant_check_events('pgtap_x_', '{}')$$,
  'PD008', 'the watches must be a list, got object',
  'an object is no list'
);

select throws_ok(
  $$select public.parlant_check_events('pgtap_none_', '[]')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
