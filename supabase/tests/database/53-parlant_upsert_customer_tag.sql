begin;
create extension if not exists pgtap with schema extensions;
select plan(7);

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

select is(
  public.parlant_upsert_customer_tag('pgtap_x_', '{"id": "t4", "customer_id": "c3", "tag_id": "vip"}'),
  '{"inserted": true}'::jsonb,
  'a customer gets a tag'
);

select is(
  public.parlant_upsert_customer_tag('pgtap_x_', '{"id": "t5", "customer_id": "c3", "tag_id": "vip"}'),
  '{"inserted": false}'::jsonb,
  'but once'
);

select is(
  public.parlant_upsert_customer_tag('pgtap_x_', '{"id": "t6", "customer_id": "none", "tag_id": "vip"}'),
  '{"inserted": null}'::jsonb,
  'a customer who is not there gets none'
);

select is(
  (select array_agg(a.id order by a.id) from public.pgtap_x_customer_tag_associations as a),
  '{t1,t2,t3,t4}',
  'and nothing else was written'
);

select throws_ok(
  $$
    select public.parlant_upsert_customer_tag('pgtap_x_', '{"id": "t4", "customer_id": "c3", "tag_id": "new"}')
  $$,
  'PD003', 'a different document with that id exists',
  'the id of another association is refused'
);

select throws_ok(
  $$select public.parlant_upsert_customer_tag('pgtap_none_', '{}')$$,
  'PD004', 'collection ''customer_tag_associations'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
