begin;
create extension if not exists pgtap with schema extensions;
select plan(12);

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

create function pg_temp.ids(p_reply jsonb) returns jsonb language sql as $$
  select jsonb_path_query_array($1, '$.items[*].id')
$$;

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_')),
  '["s1", "s2", "s3"]'::jsonb,
  'all sessions'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_agent_id => 'a1')),
  '["s1", "s2"]'::jsonb,
  'by agent'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_customer_id => 'c1')),
  '["s1", "s3"]'::jsonb,
  'by customer'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_labels => '{x}')),
  '["s1", "s2"]'::jsonb,
  'by a label'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_labels => '{y,x}')),
  '["s1"]'::jsonb,
  'by several labels, all of which it has'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_labels => '{z}')),
  '[]'::jsonb,
  'by a label that none has'
);

select is(
  pg_temp.ids(public.parlant_list_sessions('pgtap_x_', p_labels => '{}')),
  '["s1", "s2", "s3"]'::jsonb,
  'by no label'
);

select is(
  public.parlant_list_sessions('pgtap_x_', p_labels => '{x}', p_limit => 1, p_sort_direction => 'desc')
  - 'items',
  '{"total_count": 2, "has_more": true, "next_cursor": {"creation_utc": "2", "id": "s2"}}'::jsonb,
  'the limit counts what has the labels'
);

select is(
  pg_temp.ids(public.parlant_list_sessions(
    'pgtap_x_',
    p_labels => '{x}',
    p_limit => 1,
    p_cursor => '{"creation_utc": "2", "id": "s2"}',
    p_sort_direction => 'desc'
  )),
  '["s1"]'::jsonb,
  'the next page goes on from there'
);

select throws_ok(
  $$select public.parlant_list_sessions('pgtap_x_', p_limit => -1)$$,
  'PD008', 'the limit must not be negative',
  'a limit has to be one'
);

select throws_ok(
  $$select public.parlant_list_sessions('pgtap_none_')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
