begin;
create extension if not exists pgtap with schema extensions;
select plan(6);

set local role service_role;

select lives_ok(
  $$
    select public.parlant_open_store('pgtap_x_', '{variables,variable_tag_associations,values}', '0.3.0')
  $$,
  'a store'
);

insert into public.pgtap_x_variables (data)
values
('{"id": "v1", "creation_utc": "1", "name": "plan"}'),
('{"id": "v2", "creation_utc": "2", "name": "city"}');
insert into public.pgtap_x_variable_tag_associations (data)
values
('{"id": "t1", "creation_utc": "2", "variable_id": "v1", "tag_id": "vip"}'),
('{"id": "t2", "creation_utc": "1", "variable_id": "v1", "tag_id": "beta"}');
insert into public.pgtap_x_values (data)
values
('{"id": "x1", "variable_id": "v1", "key": "DEFAULT", "data": 1}'),
('{"id": "x2", "variable_id": "v1", "key": "c1", "data": 2}'),
('{"id": "x3", "variable_id": "v2", "key": "c1", "data": 3}');

select is(
  public.parlant_create_variable(
    'pgtap_x_', '{"id": "v3", "name": "age"}', '[{"id": "t4", "variable_id": "v3", "tag_id": "vip"}]'
  ),
  '{"created": true, "document": {"id": "v3", "name": "age"}, "tags": ["vip"]}'::jsonb,
  'a variable is created with its tags'
);

select is(
  public.parlant_create_variable(
    'pgtap_x_', '{"id": "v3", "name": "age"}', '[{"id": "t4", "variable_id": "v3", "tag_id": "vip"}]'
  ),
  '{"created": false, "document": {"id": "v3", "name": "age"}, "tags": ["vip"]}'::jsonb,
  'the same variable is found'
);

update public.pgtap_x_variables as v set data = v.data || '{"description": "in years"}'
where v.id = 'v3';
delete from public.pgtap_x_variable_tag_associations as a
where a.id = 't4';

select is(
  public.parlant_create_variable(
    'pgtap_x_', '{"id": "v3", "name": "age"}', '[{"id": "t4", "variable_id": "v3", "tag_id": "vip"}]'
  ),
  '{
    "created": false, "document": {"id": "v3", "name": "age", "description": "in years"}, "tags": ["vip"]
  }'::jsonb,
  'also after a change, which it keeps, and gets the tags that it lacks'
);

select throws_ok(
  $$select public.parlant_create_variable('pgtap_x_', '{"id": "v3", "name": "other"}')$$,
  'PD003', 'a different document with that id exists',
  'a variable of another name is another variable'
);

select throws_ok(
  $$select public.parlant_create_variable('pgtap_none_', '{}')$$,
  'PD004', 'collection ''variables'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
