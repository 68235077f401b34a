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

create function pg_temp.summary(p_reply jsonb) returns jsonb language sql as $$
  select coalesce(jsonb_object_agg(i.value #>> '{document,id}', i.value -> 'tags'), '{}')
  from jsonb_array_elements($1 -> 'items') as i
$$;

select is(
  pg_temp.summary(public.parlant_list_variables('pgtap_x_')),
  '{"v1": ["beta", "vip"], "v2": []}'::jsonb,
  'all variables, each with its tags'
);

select is(
  pg_temp.summary(public.parlant_list_variables('pgtap_x_', '{none,vip}')),
  '{"v1": ["beta", "vip"]}'::jsonb,
  'those with any of several tags'
);

select is(
  pg_temp.summary(public.parlant_list_variables('pgtap_x_', '{}')),
  '{"v2": []}'::jsonb,
  'those without tags'
);

select is(
  public.parlant_list_variables('pgtap_x_', '{none}'),
  '{"items": []}'::jsonb,
  'those with a tag that none has'
);

select throws_ok(
  $$select public.parlant_list_variables('pgtap_none_')$$,
  'PD004', 'collection ''variable_tag_associations'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
