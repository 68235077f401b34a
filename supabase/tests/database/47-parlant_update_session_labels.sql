begin;
create extension if not exists pgtap with schema extensions;
select plan(10);

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

select is(
  public.parlant_update_session_labels('pgtap_x_', 's1', '{y,z}') #> '{document,labels}',
  '["x", "y", "z"]'::jsonb,
  'labels are added once'
);

select is(
  public.parlant_update_session_labels('pgtap_x_', 's1', p_removed => '{x,none}') #> '{document,labels}',
  '["y", "z"]'::jsonb,
  'labels are removed'
);

select is(
  public.parlant_update_session_labels('pgtap_x_', 's1', p_removed => '{y,z}') #> '{document,labels}',
  '[]'::jsonb,
  'down to none'
);

select is(
  public.parlant_update_session_labels('pgtap_x_', 'none', '{x}'),
  '{"document": null}'::jsonb,
  'a session that is not there'
);

update public.pgtap_x_sessions as s set data = s.data - 'labels'
where s.id = 's2';

select is(
  public.parlant_update_session_labels('pgtap_x_', 's2', '{x}') #> '{document,labels}',
  '["x"]'::jsonb,
  'a session from before there were labels'
);

select throws_ok(
  $$select public.parlant_update_session_labels('pgtap_none_', 's1')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

-- What is stored in place of a list.

update public.pgtap_x_sessions as s set data = s.data || '{"labels": null}'
where s.id = 's2';

select is(
  public.parlant_update_session_labels('pgtap_x_', 's2', '{x}') #> '{document,labels}',
  '["x"]'::jsonb,
  'labels that are null count as none'
);

select is(
  public.parlant_update_session_labels('pgtap_x_', 's2', null, null) #> '{document,labels}',
  '["x"]'::jsonb,
  'no lists change nothing'
);

update public.pgtap_x_sessions as s set data = s.data || '{"labels": {"x": 1}}'
where s.id = 's2';

select throws_ok(
  $$select public.parlant_update_session_labels('pgtap_x_', 's2', '{x}')$$,
  'PD002', 'the labels of the stored session must be a list, got object',
  'labels that are no list are not changed'
);

select f.line from finish() as f (line);
rollback;
