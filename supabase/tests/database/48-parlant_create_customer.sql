begin;
create extension if not exists pgtap with schema extensions;
select plan(8);

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
  public.parlant_create_customer(
    'pgtap_x_',
    '{"id": "c4", "name": "Cid", "creation_utc": "4"}',
    '[{"id": "t4", "customer_id": "c4", "tag_id": "vip"}, {"id": "t5", "customer_id": "c4", "tag_id": "new"}]'
  ),
  '{"created": true}'::jsonb,
  'a customer is created'
);

select is(
  public.parlant_read_customer('pgtap_x_', 'c4'),
  '{"document": {"id": "c4", "name": "Cid", "creation_utc": "4"}, "tags": ["vip", "new"]}'::jsonb,
  'with its tags'
);

select is(
  public.parlant_create_customer(
    'pgtap_x_',
    '{"id": "c4", "name": "Cid", "creation_utc": "5"}',
    '[{"id": "t6", "customer_id": "c4", "tag_id": "old"}]'
  ),
  '{"created": false}'::jsonb,
  'the same customer is there already'
);

select is(
  public.parlant_read_customer('pgtap_x_', 'c4') -> 'tags',
  '["vip", "new"]'::jsonb,
  'and gets no tag'
);

select throws_ok(
  $$select public.parlant_create_customer('pgtap_x_', '{"id": "c4", "name": "Dan"}')$$,
  'PD003', 'a different document with that id exists',
  'another of the same id is refused'
);

select is(
  public.parlant_create_customer('pgtap_x_', '{"id": "c5", "name": "Eve"}'),
  '{"created": true}'::jsonb,
  'a customer may have no tags'
);

select throws_ok(
  $$select public.parlant_create_customer('pgtap_none_', '{}')$$,
  'PD004', 'collection ''customers'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

select f.line from finish() as f (line);
rollback;
