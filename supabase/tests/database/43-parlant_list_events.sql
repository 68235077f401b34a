begin;
create extension if not exists pgtap with schema extensions;
select plan(11);

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

create function pg_temp.ids(p_reply jsonb) returns jsonb language sql as $$
  select jsonb_path_query_array($1, '$.documents[*].id')
$$;

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1')),
  '["e1", "e3"]'::jsonb,
  'a session''s events but the deleted ones'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', p_exclude_deleted => false)),
  '["e1", "e2", "e3"]'::jsonb,
  'or all of them'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', p_source => 'ai_agent')),
  '["e3"]'::jsonb,
  'by source'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', p_trace_id => 't1')),
  '["e1"]'::jsonb,
  'by trace'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', p_kinds => '{status,tool}')),
  '[]'::jsonb,
  'by kinds'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', p_min_offset => 1)),
  '["e3"]'::jsonb,
  'from an offset on'
);

select is(
  pg_temp.ids(public.parlant_list_events('pgtap_x_', 's1', 'ai_agent', 't1', '{status}', 1, false)),
  '["e2"]'::jsonb,
  'by all of that at once'
);

select is(
  public.parlant_list_events('pgtap_x_', 's3'),
  '{"documents": []}'::jsonb,
  'a session without events'
);

select is(
  public.parlant_list_events('pgtap_x_', 'none'),
  '{"documents": null}'::jsonb,
  'a session that is not there'
);

select throws_ok(
  $$select public.parlant_list_events('pgtap_none_', 's1')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
