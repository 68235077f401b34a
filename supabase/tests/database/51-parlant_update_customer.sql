begin;
create extension if not exists pgtap with schema extensions;
select plan(12);

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
  public.parlant_update_customer('pgtap_x_', 'c1', '{"name": "Anna"}'),
  '{
    "document": {"id": "c1", "creation_utc": "1", "name": "Anna", "extra": {"plan": "pro"}},
    "tags": ["beta", "vip"]
  }'::jsonb,
  'fields are set, others stay'
);

select is(
  public.parlant_update_customer('pgtap_x_', 'c1', p_set_extra => '{"city": "Oslo"}') #> '{document,extra}',
  '{"plan": "pro", "city": "Oslo"}'::jsonb,
  'keys of extra are set'
);

select is(
  public.parlant_update_customer('pgtap_x_', 'c1', p_unset_extra => '{plan,none}') #> '{document,extra}',
  '{"city": "Oslo"}'::jsonb,
  'keys of extra are removed'
);

select is(
  public.parlant_update_customer('pgtap_x_', 'none', '{"name": "x"}'),
  '{"document": null, "tags": []}'::jsonb,
  'a customer who is not there'
);

select throws_ok(
  $$select public.parlant_update_customer('pgtap_none_', 'c1')$$,
  'PD004', 'collection ''customers'' under prefix ''pgtap_none_'' does not exist',
  'a store that is not open is an error'
);

-- What is stored in place of an object, and what is given in place of a list.

insert into public.pgtap_x_customers (data)
values
('{"id": "c4", "name": "Cem"}'),
('{"id": "c5", "name": "Dan", "extra": null}'),
('{"id": "c6", "name": "Eve", "extra": "pro"}');

select
  is(
    public.parlant_update_customer('pgtap_x_', c.id, p_set_extra => '{"city": "Oslo"}') #> '{document,extra}',
    '{"city": "Oslo"}'::jsonb,
    c.label
  )
from (values ('c4', 'an extra that is missing counts as empty'), ('c5', 'so does null')) as c (id, label);

select is(
  public.parlant_update_customer('pgtap_x_', 'c5', p_unset_extra => null) #> '{document,extra}',
  '{"city": "Oslo"}'::jsonb,
  'no list of keys to remove removes none'
);

select throws_ok(
  $$select public.parlant_update_customer('pgtap_x_', 'c6', '{"name": "x"}', '{"city": "Oslo"}')$$,
  'PD002', 'the field extra of the stored document must be an object, got string',
  'an extra that is no object is not changed'
);

select is(
  public.parlant_update_customer('pgtap_x_', 'c5', '{"extra": {"plan": "pro"}}') #> '{document,extra}',
  '{"plan": "pro"}'::jsonb,
  'an extra among the fields is set like them'
);

select is(
  public.parlant_update_customer('pgtap_x_', 'c6', '{"extra": {}}', '{"plan": "pro"}') #> '{document,extra}',
  '{"plan": "pro"}'::jsonb,
  'before keys are set in it'
);

select f.line from finish() as f (line);
rollback;
