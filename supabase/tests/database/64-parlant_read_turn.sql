begin;
create extension if not exists pgtap with schema extensions;
select plan(13);

set local role service_role;

select public.parlant_open_store('pgtap_s_', '{sessions,events}', '0.9.0');
select public.parlant_open_store('pgtap_c_', '{customers,customer_tag_associations}', '0.1.0');
select public.parlant_open_store('pgtap_v_', '{variables,variable_tag_associations,values}', '0.3.0');

insert into public.pgtap_s_sessions (data)
values ('{"id": "s1", "customer_id": "c1"}'), ('{"id": "s2", "customer_id": "none"}'), ('{"id": "s3"}');
insert into public.pgtap_s_events (data)
values
('{"id": "e2", "session_id": "s1", "creation_utc": "2", "deleted": false}'),
('{"id": "e1", "session_id": "s1", "creation_utc": "1", "deleted": false}'),
('{"id": "e3", "session_id": "s1", "creation_utc": "3", "deleted": true}'),
('{"id": "e4", "session_id": "s2", "creation_utc": "4", "deleted": false}');
select public.parlant_create_customer(
  'pgtap_c_', '{"id": "c1", "creation_utc": "1"}',
  '[{"id": "ct1", "creation_utc": "1", "customer_id": "c1", "tag_id": "vip"},
    {"id": "ct2", "creation_utc": "2", "customer_id": "c1", "tag_id": "eu"}]'
);
select public.parlant_create_variable(
  'pgtap_v_', '{"id": "v1", "creation_utc": "1"}',
  '[{"id": "vt1", "creation_utc": "1", "variable_id": "v1", "tag_id": "agent:a1"}]'
);
select public.parlant_create_variable('pgtap_v_', '{"id": "v2", "creation_utc": "2"}');
select public.parlant_create_variable(
  'pgtap_v_', '{"id": "v3", "creation_utc": "3"}',
  '[{"id": "vt3", "creation_utc": "1", "variable_id": "v3", "tag_id": "agent:a2"}]'
);
insert into public.pgtap_v_values (data)
values
('{"id": "x1", "variable_id": "v1", "key": "c1"}'),
('{"id": "x2", "variable_id": "v1", "key": "c1", "again": true}'),
('{"id": "x3", "variable_id": "v1", "key": "c2"}'),
('{"id": "x4", "variable_id": "v2", "key": "tag:eu"}'),
('{"id": "x5", "variable_id": "v2", "key": "DEFAULT"}'),
('{"id": "x6", "variable_id": "v3", "key": "c1"}'),
('{"id": "x7", "variable_id": 1, "key": "c1"}');

create function pg_temp.read_turn(p_session_id text) returns jsonb language sql as $$
  select public.parlant_read_turn(
    'pgtap_s_', $1, 'pgtap_c_', 'pgtap_v_', '[["agent:a1", "agent:a9"], [], ["agent:a9"]]', '{DEFAULT}')
$$;

select is(
  pg_temp.read_turn('s1') -> 'session', '{"id": "s1", "customer_id": "c1"}', 'the session'
);
select is(
  pg_temp.read_turn('s1') -> 'customer',
  public.parlant_read_customer('pgtap_c_', 'c1'),
  'its customer with tags'
);
select is(
  pg_temp.read_turn('s1') -> 'events',
  public.parlant_list_events('pgtap_s_', 's1') -> 'documents',
  'its events'
);
select is(jsonb_array_length(pg_temp.read_turn('s1') -> 'events'), 2, 'that are not deleted');
select is(
  pg_temp.read_turn('s1') -> 'variables',
  jsonb_build_array(
    public.parlant_list_variables('pgtap_v_', '{agent:a1,agent:a9}') -> 'items',
    public.parlant_list_variables('pgtap_v_', '{}') -> 'items',
    public.parlant_list_variables('pgtap_v_', '{agent:a9}') -> 'items'
  ),
  'for each list of tags its variables'
);
select is(
  jsonb_path_query_array(pg_temp.read_turn('s1'), '$.variables[*][*].document.id'),
  '["v1", "v2"]', 'and no others'
);
select is(
  pg_temp.read_turn('s1') -> 'keys', '["DEFAULT", "c1", "tag:vip", "tag:eu"]', 'the keys of values'
);
select is(
  jsonb_path_query_array(pg_temp.read_turn('s1'), '$.values[*].id'),
  '["x1", "x5", "x4"]',
  'the values of the variables for these keys, the first of several'
);
select is(
  pg_temp.read_turn('s2') #- '{variables}',
  '{"session": {"id": "s2", "customer_id": "none"}, "customer": {"document": null, "tags": []},
    "events": [{"id": "e4", "session_id": "s2", "creation_utc": "4", "deleted": false}],
    "keys": ["DEFAULT", "none"],
    "values": [{"id": "x5", "variable_id": "v2", "key": "DEFAULT"}]}',
  'a customer who does not exist has values for everybody'
);
select is(
  pg_temp.read_turn('none'),
  '{"session": null, "customer": {"document": null, "tags": []}, "events": [], "variables": [],
    "keys": ["DEFAULT"], "values": []}',
  'without a session there is nothing'
);
select is(
  public.parlant_read_turn('pgtap_s_', 's1', 'pgtap_c_') - 'customer' - 'keys',
  '{"session": {"id": "s1", "customer_id": "c1"}, "events": [], "variables": [], "values": []}',
  'without variables it is the session and its customer alone'
);
select throws_ok(
  $$select public.parlant_read_turn('pgtap_s_', 's1', 'pgtap_c_', 'pgtap_v_', '["agent:a1"]')$$,
  'PD008', 'the tags must be a list, got string', 'each list of tags is a list'
);
select throws_ok(
  $$select public.parlant_read_turn(
      'pgtap_s_', 's1', 'pgtap_c_', 'pgtap_v_', (select jsonb_agg('[]'::jsonb) from generate_series(1, 21)))$$,
  'PD008', 'at most 20 lists of tags may be in a call, got 21', 'and there are few'
);

select f.line from finish() as f (line);
rollback;
