begin;
create extension if not exists pgtap with schema extensions;
select plan(20);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_insert_', 'things')$$,
  'a collection'
);

create function pg_temp.insert_one(p_document jsonb) returns jsonb language sql as $$
  select public.parlant_insert_one('pgtap_insert_', 'things', $1)
$$;

create function pg_temp.stored(p_id text) returns jsonb language sql as $$
  select t.data from public.pgtap_insert_things as t where t.id = $1
$$;

select is(
  pg_temp.insert_one('{"id": "a", "creation_utc": "2026-01-01", "name": "Ann", "tags": ["x"], "n": 1.0}'),
  '{"acknowledged": true, "inserted": true}'::jsonb,
  'a document is inserted'
);

select is(
  pg_temp.stored('a')::text,
  '{"n": 1.0, "id": "a", "name": "Ann", "tags": ["x"], "creation_utc": "2026-01-01"}',
  'as it is'
);

-- What is there already.

select is(
  pg_temp.insert_one(
    '{"id": "a", "creation_utc": "2026-02-02", "name": "Ann", "tags": ["x"], "n": 1.0}'
  ),
  '{"acknowledged": true, "inserted": false}'::jsonb,
  'the same but for its time is acknowledged'
);

select is(
  pg_temp.stored('a') ->> 'creation_utc', '2026-01-01',
  'and not written'
);

select is(
  pg_temp.insert_one('{"id": "a", "name": "Ann", "tags": ["x"], "n": 1.0}') -> 'inserted',
  'false'::jsonb,
  'also without a time'
);

select
  throws_ok(
    format('select public.parlant_insert_one(%L, %L, %L)', 'pgtap_insert_', 'things', d.document),
    'PD003', 'a different document with that id exists', d.description
  )
from (
  values
  (
    '{"id": "a", "creation_utc": "2026-01-01", "name": "Anna", "tags": ["x"], "n": 1.0}',
    'another value'
  ),
  ('{"id": "a", "creation_utc": "2026-01-01", "name": "Ann", "tags": ["x"]}', 'a field less'),
  (
    '{"id": "a", "creation_utc": "2026-01-01", "name": "Ann", "tags": ["x"], "n": 1.0, "m": null}',
    'a field more'
  )
) as d (document, description);

select is(
  pg_temp.stored('a') ->> 'name', 'Ann',
  'a document is never overwritten'
);

-- What cannot be stored.

select
  throws_ok(
    format('select public.parlant_insert_one(%L, %L, %L)', 'pgtap_insert_', 'things', d.document),
    'PD002', d.message, coalesce(d.document, 'no document')
  )
from (
  values
  (null, 'a document must be an object, got null'),
  ('[]', 'a document must be an object, got array'),
  ('7', 'a document must be an object, got number'),
  ('{"name": "Ann"}', 'the id of a document must be a string, got no id'),
  ('{"id": 7}', 'the id of a document must be a string, got number'),
  ('"[1]"', 'a document must be an object, got array'),
  ('"no JSON"', 'a document must be an object, got text that is not JSON')
) as d (document, message);

select throws_ok(
  $$select public.parlant_insert_one('pgtap_insert_', 'nothings', '{"id": "a"}')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_insert_'' does not exist',
  'a collection that is not there is an error'
);

-- A document may come as its text, which keeps a large float a float.

select is(
  pg_temp.insert_one(to_jsonb('{"id": "float", "n": 10000000000000000000000.0}'::text)) -> 'inserted',
  'true'::jsonb,
  'a document may come as its text'
);

select is(
  pg_temp.stored('float')::text, '{"n": 10000000000000000000000.0, "id": "float"}',
  'which keeps a large float a float'
);

select f.line from finish() as f (line);
rollback;
