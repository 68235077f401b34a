begin;
create extension if not exists pgtap with schema extensions;
select plan(9);

set local role service_role;

select lives_ok(
  $$
    select public.parlant_open_store('pgtap_x_', '{customers,customer_tag_associations}', '0.1.0')
  $$,
  'a store'
);

insert into public.pgtap_x_customers (data)
values
('{"id": "c1", "creation_utc": "1", "name": "Ann", "extra": {"plan": "pro"}}'),
('{"id": "c2", "creation_utc": "2", "name": "Bob", "extra": {}}'),
('{"id": "c3", "creation_utc": "3", "name": "Ann", "extra": {}}');
insert into public.pgtap_x_customer_tag_associations (data)
values
('{"id": "t1", "creation_utc": "2", "customer_id": "c1", "tag_id": "vip"}'),
('{"id": "t2", "creation_utc": "1", "customer_id": "c1", "tag_id": "beta"}'),
('{"id": "t3", "creation_utc": "3", "customer_id": "c2", "tag_id": "vip"}');

create function pg_temp.summary(p_reply jsonb) returns jsonb language sql as $$
  select coalesce(jsonb_object_agg(i.value #>> '{document,id}', i.value -> 'tags'), '{}')
  from jsonb_array_elements($1 -> 'items') as i
$$;

select is(
  pg_temp.summary(public.parlant_list_customers('pgtap_x_')),
  '{"c1": ["beta", "vip"], "c2": ["vip"], "c3": []}'::jsonb,
  'all customers, each with its tags'
);

select is(
  pg_temp.summary(public.parlant_list_customers('pgtap_x_', '{vip}')),
  '{"c1": ["beta", "vip"], "c2": ["vip"]}'::jsonb,
  'those with a tag'
);

select is(
  pg_temp.summary(public.parlant_list_customers('pgtap_x_', '{beta,none}')),
  '{"c1": ["beta", "vip"]}'::jsonb,
  'those with any of several tags'
);

select is(
  pg_temp.summary(public.parlant_list_customers('pgtap_x_', '{}')),
  '{"c3": []}'::jsonb,
  'those without tags'
);

select is(
  public.parlant_list_customers('pgtap_x_', '{none}'),
  '{"items": [], "total_count": 0, "has_more": false, "next_cursor": null}'::jsonb,
  'those with a tag that nobody has'
);

select is(
  public.parlant_list_customers('pgtap_x_', p_limit => 1, p_sort_direction => 'desc'),
  '{
    "items": [{"document": {"id": "c3", "creation_utc": "3", "name": "Ann", "extra": {}}, "tags": []}],
    "total_count": 3, "has_more": true, "next_cursor": {"creation_utc": "3", "id": "c3"}
  }'::jsonb,
  'page by page'
);

select is(
  pg_temp.summary(public.parlant_list_customers(
    'pgtap_x_', '{vip}', 1, '{"creation_utc": "1", "id": "c1"}'
  )),
  '{"c2": ["vip"]}'::jsonb,
  'from a cursor on, with a limit and tags'
);

select throws_ok(
  $$select public.parlant_list_customers('pgtap_none_')$$,
  'PD004', 'collection ''customer_tag_associations'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
