begin;
create extension if not exists pgtap with schema extensions;
select plan(28);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_update_', 'things')$$,
  'a collection'
);

insert into public.pgtap_update_things (data)
values
('{"id": "b", "kind": "x", "nested": {"k": 1, "l": 2}, "customer_id": "c1"}'),
('{"id": "a", "kind": "x"}'),
('{"id": "c", "kind": "y"}');

create function pg_temp.update_one(
  p_filters jsonb, p_params jsonb, p_upsert boolean default false, p_required text[] default '{}'
)
returns jsonb language sql as $$
  select public.parlant_update_one('pgtap_update_', 'things', $1, $2, $3, $4)
$$;

create function pg_temp.stored(p_id text) returns jsonb language sql as $$
  select t.data from public.pgtap_update_things as t where t.id = $1
$$;

-- Merging.

select is(
  pg_temp.update_one('{"kind": {"$eq": "x"}}', '{"nested": {"k": 3}, "new": null}'),
  '{"matched_count": 1, "modified_count": 1,
    "updated_document":
      {"id": "b", "kind": "x", "nested": {"k": 3}, "new": null, "customer_id": "c1"}}'::jsonb,
  'top-level keys are merged into the match that was inserted first'
);

select is(
  pg_temp.stored('b'),
  '{"id": "b", "kind": "x", "nested": {"k": 3}, "new": null, "customer_id": "c1"}'::jsonb,
  'and stored'
);

select is(pg_temp.stored('a'), '{"id": "a", "kind": "x"}'::jsonb, 'the other match is left alone');

select is(
  pg_temp.update_one('{"id": {"$eq": "a"}}', '{}'),
  '{"matched_count": 1, "modified_count": 1, "updated_document": {"id": "a", "kind": "x"}}'::jsonb,
  'nothing to merge is an update all the same'
);

select is(
  pg_temp.update_one('{"id": {"$eq": "nobody"}}', '{"kind": "z"}'),
  '{"matched_count": 0, "modified_count": 0, "updated_document": null}'::jsonb,
  'no match changes nothing'
);

select is(
  pg_temp.update_one(null, '{"kind": "y"}') #>> '{updated_document,id}', 'b',
  'no filter takes the first of all'
);

select is(
  pg_temp.update_one('{"id": {"$eq": "b"}}', '{"kind": "y", "customer_id": "c2"}') -> 'matched_count',
  '1'::jsonb,
  'a field that has a column is merged'
);

select is(
  (
    select t.customer_id
    from public.pgtap_update_things as t
    where t.id = 'b'
  ), 'c2',
  'and its column follows'
);

select is(
  pg_temp.update_one(
    '{"id": {"$eq": "b"}}', to_jsonb('{"n": 10000000000000000000000.0}'::text)
  ) #>> '{updated_document,n}',
  '10000000000000000000000.0',
  'keys may come as text'
);

-- Another id.

select is(
  pg_temp.update_one('{"id": {"$eq": "c"}}', '{"id": "d", "kind": "w"}'),
  '{"matched_count": 1, "modified_count": 1, "updated_document": {"id": "d", "kind": "w"}}'::jsonb,
  'a document may get another id'
);

select is(pg_temp.stored('c'), null, 'and has its old one no more');

select is(
  pg_temp.update_one('{"id": {"$eq": "d"}}', '{"id": "d", "kind": "v"}') -> 'matched_count', '1'::jsonb,
  'its own id is no clash'
);

select throws_ok(
  $$select public.parlant_update_one(
    'pgtap_update_', 'things', '{"id": {"$eq": "d"}}', '{"id": "a", "kind": "q"}')$$,
  'PD003', 'another document has the id that this one was to get',
  'the id of another is refused'
);

select is(pg_temp.stored('d'), '{"id": "d", "kind": "v"}'::jsonb, 'and nothing is changed');

-- Upserting.

select is(
  pg_temp.update_one('{"id": {"$eq": "e"}}', '{"id": "f", "kind": "u"}', true),
  '{"matched_count": 0, "modified_count": 0, "updated_document": {"id": "f", "kind": "u"}}'::jsonb,
  'an upsert that finds nothing inserts its params as they are'
);

select is(pg_temp.stored('f'), '{"id": "f", "kind": "u"}'::jsonb, 'and nothing of the filter');

select is(
  pg_temp.update_one('{"kind": {"$eq": "u"}}', '{"kind": "t"}', true),
  '{"matched_count": 1, "modified_count": 1, "updated_document": {"id": "f", "kind": "t"}}'::jsonb,
  'an upsert that finds a document updates it'
);

select throws_ok(
  $$select public.parlant_update_one(
    'pgtap_update_', 'things', '{"kind": {"$eq": "nothing"}}', '{"id": "a", "kind": "s"}', true)$$,
  'PD003', 'a different document with that id exists',
  'an upsert never overwrites a document that its filter does not match'
);

select is(pg_temp.stored('a'), '{"id": "a", "kind": "x"}'::jsonb, 'which is left alone');

select throws_ok(
  $$select public.parlant_update_one(
    'pgtap_update_', 'things', '{"id": {"$eq": "g"}}', '{"kind": "r"}', true)$$,
  'PD002', 'the id of a document must be a string, got no id',
  'an upsert that would insert a document without an id is refused'
);

select throws_ok(
  $$select public.parlant_update_one(
    'pgtap_update_', 'things', '{"id": {"$eq": "g"}}', '{"id": "g"}', true, '{id,kind,name}')$$,
  'PD009', 'the document to insert lacks the fields kind, name',
  'an upsert that would insert an incomplete document is refused'
);

select is(
  pg_temp.update_one('{"id": {"$eq": "a"}}', '{"tag": "x"}', true, '{id,kind,name}')
  -> 'matched_count',
  '1'::jsonb,
  'an update need not be complete'
);

-- Refusals.

select
  throws_ok(
    format(
      'select public.parlant_update_one(%L, %L, %L, %L)', 'pgtap_update_', 'things', u.filters, u.params
    ),
    u.code, u.message, u.message
  )
from (
  values
  (null, '[]', 'PD002', 'a document must be an object, got array'),
  (null, null, 'PD002', 'a document must be an object, got null'),
  ('{"id": {"$eq": "a"}}', '{"id": 7}', 'PD002', 'the id of a document must be a string, got number'),
  ('{"id": "a"}', '{}', 'PD001', 'invalid filter at filter["id"]: expected operators, got string')
) as u (filters, params, code, message);

select throws_ok(
  $$select public.parlant_update_one('pgtap_update_', 'nothings', null, '{}')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_update_'' does not exist',
  'a collection that is not there is an error'
);

select f.line from finish() as f (line);
rollback;
