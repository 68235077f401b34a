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
  public.parlant_add_variable_tag('pgtap_x_', '{"id": "t4", "variable_id": "v2", "tag_id": "vip"}'),
  '{"document": {"id": "v2", "creation_utc": "2", "name": "city"}, "tags": ["vip"]}'::jsonb,
  'a variable gets a tag'
);

select is(
  public.parlant_add_variable_tag('pgtap_x_', '{"id": "t5", "variable_id": "v2", "tag_id": "vip"}') -> 'tags',
  '["vip"]'::jsonb,
  'but once'
);

select is(
  public.parlant_add_variable_tag('pgtap_x_', '{"id": "t6", "variable_id": "none", "tag_id": "vip"}'),
  '{"document": null, "tags": []}'::jsonb,
  'a variable that is not there gets none'
);

select is(
  (select array_agg(a.id order by a.id) from public.pgtap_x_variable_tag_associations as a),
  '{t1,t2,t4}',
  'and nothing else was written'
);

select throws_ok(
  $$select public.parlant_add_variable_tag('pgtap_none_', '{}')$$,
  'PD004', 'collection ''variable_tag_associations'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
