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

select is(
  public.parlant_update_session_metadata('pgtap_x_', 's1', '{"new": {"a": null}}', '{none}')
  #> '{document,metadata}',
  '{"k": 1, "new": {"a": null}}'::jsonb,
  'keys are set, others stay'
);

select is(
  public.parlant_update_session_metadata('pgtap_x_', 's1', p_unset => '{k}') #> '{document,metadata}',
  '{"new": {"a": null}}'::jsonb,
  'keys are removed'
);

select is(
  (
    select s.data - 'metadata' from public.pgtap_x_sessions as s
    where s.id = 's1'
  ),
  '{"id": "s1", "creation_utc": "1", "agent_id": "a1", "customer_id": "c1", "labels": ["x", "y"]}'::jsonb,
  'the rest of the session stays'
);

select is(
  public.parlant_update_session_metadata('pgtap_x_', 'none', '{"k": 1}'),
  '{"document": null}'::jsonb,
  'a session that is not there'
);

update public.pgtap_x_sessions as s set data = s.data - 'metadata'
where s.id = 's2';

select is(
  public.parlant_update_session_metadata('pgtap_x_', 's2', '{"k": 1}') #> '{document,metadata}',
  '{"k": 1}'::jsonb,
  'a session from before there was metadata'
);

select throws_ok(
  $$select public.parlant_update_session_metadata('pgtap_none_', 's1')$$,
  'PD004', 'collection ''sessions'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

-- What is stored in place of an object.

update public.pgtap_x_sessions as s set data = s.data || '{"metadata": null}'
where s.id = 's2';

select is(
  public.parlant_update_session_metadata('pgtap_x_', 's2', '{"k": 1}', '{k2}') #> '{document,metadata}',
  '{"k": 1}'::jsonb,
  'metadata that is null counts as empty'
);

select is(
  public.parlant_update_session_metadata('pgtap_x_', 's2', '{"l": 2}', null) #> '{document,metadata}',
  '{"k": 1, "l": 2}'::jsonb,
  'no list of keys to remove removes none'
);

update public.pgtap_x_sessions as s set data = s.data || '{"metadata": ["k"]}'
where s.id = 's2';

select throws_ok(
  $$select public.parlant_update_session_metadata('pgtap_x_', 's2', '{"k": 1}')$$,
  'PD002', 'the field metadata of the stored document must be an object, got array',
  'metadata that is no object is not changed'
);

select is(
  (
    select s.data -> 'metadata' from public.pgtap_x_sessions as s
    where s.id = 's2'
  ),
  '["k"]'::jsonb,
  'it stays as it is'
);

select throws_ok(
  $$select public.parlant_update_session_metadata('pgtap_x_', 's1', null)$$,
  'PD002', 'a document must be an object, got null',
  'what is to be set must be an object'
);

select f.line from finish() as f (line);
rollback;
