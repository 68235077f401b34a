begin;
create extension if not exists pgtap with schema extensions;
select plan(26);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_first_', 'things')$$,
  'a collection'
);

insert into public.pgtap_first_things (data)
values
('{"id": "two", "v": 2, "customer_id": "m"}'),
('{"id": "ten", "v": 10, "customer_id": "M"}'),
('{"id": "one", "v": 1}'),
('{"id": "uno", "v": 1.0, "customer_id": 5}'),
('{"id": "text", "v": "Z", "customer_id": "a"}'),
('{"id": "lower", "v": "a"}'),
('{"id": "false", "v": false}'),
('{"id": "true", "v": true}'),
('{"id": "null", "v": null}'),
('{"id": "absent"}');
insert into public.pgtap_first_things (data)
select jsonb_build_object('id', 'long' || s.suffix, 't', repeat('x', 100) || s.suffix)
from (values ('b'), ('a'), ('c')) as s (suffix);

create function pg_temp.first_id(p_filters jsonb, p_sort jsonb default null) returns text
language sql as $$
  select public.parlant_find_one('pgtap_first_', 'things', $1, $2) #>> '{document,id}'
$$;

select is(
  public.parlant_find_one('pgtap_first_', 'things', '{"id": {"$eq": "two"}}'),
  '{"document": {"id": "two", "v": 2, "customer_id": "m"}}'::jsonb,
  'the reply holds the whole document'
);

select is(
  public.parlant_find_one('pgtap_first_', 'things', '{"id": {"$eq": "nobody"}}'),
  '{"document": null}'::jsonb,
  'the reply when nothing matches'
);

select is(pg_temp.first_id(null), 'two', 'without a filter and a sort: the one inserted first');
select is(pg_temp.first_id('{}'), 'two', 'also with an empty filter');
select is(pg_temp.first_id('{"v": {"$eq": 1}}'), 'one', 'of several matches: the one inserted first');
select is(pg_temp.first_id(null, '[]'), 'two', 'an empty sort is none');

select is(pg_temp.first_id(s.filters, s.sort), s.expected, format('%s by %s', s.filters, s.sort))
from (
  values
  ('{"v": {"$gte": 0}}'::jsonb, '[["v", "desc"]]'::jsonb, 'ten'),
  ('{"v": {"$gte": 0}}', '[["v", "asc"]]', 'one'),
  ('{"v": {"$gte": 0}}', '[["v", "asc"], ["id", "desc"]]', 'uno'),
  ('{"v": {"$gte": ""}}', '[["v", "asc"]]', 'text'),
  ('{"v": {"$gte": ""}}', '[["v", "desc"]]', 'lower'),
  ('{"v": {"$in": [true, false]}}', '[["v", "desc"]]', 'true'),
  ('{"v": {"$ne": 2}}', '[["v", "asc"]]', 'null'),
  ('{"customer_id": {"$ne": null}}', '[["customer_id", "asc"]]', 'uno'),
  ('{"customer_id": {"$gt": ""}}', '[["customer_id", "asc"]]', 'ten'),
  ('{"customer_id": {"$gt": ""}}', '[["customer_id", "desc"]]', 'two'),
  ('{}', '[["customer_id", "asc"], ["id", "asc"]]', 'absent'),
  ('{}', '[["it''s -- nothing", "asc"]]', 'two'),
  ('{"t": {"$gt": ""}}', '[["t", "asc"]]', 'longa'),
  ('{"t": {"$gt": ""}}', '[["t", "desc"]]', 'longc')
) as s (filters, sort, expected);

select
  throws_ok(
    format('select public.parlant_find_one(%L, %L, null, %L)', 'pgtap_first_', 'things', s.sort),
    'PD008', s.message, s.sort
  )
from (
  values
  ('"v"', 'the sort must be a list, got string'),
  ('["v"]', 'a sort or index field must be a pair of a field name and a direction'),
  ('[["v", "up"]]', 'a sort or index field must be a pair of a field name and a direction'),
  ('[[1, "asc"]]', 'a sort or index field must be a pair of a field name and a direction')
) as s (sort, message);

select throws_ok(
  $$select public.parlant_find_one('pgtap_first_', 'nothings', null)$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_first_'' does not exist',
  'a collection that is not there is an error'
);

select f.line from finish() as f (line);
rollback;
