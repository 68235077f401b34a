begin;
create extension if not exists pgtap with schema extensions;
select plan(9);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_delete_', 'things')$$,
  'a collection'
);

insert into public.pgtap_delete_things (data)
values
('{"id": "b", "kind": "x"}'),
('{"id": "a", "kind": "x"}'),
('{"id": "c", "kind": "y"}');

create function pg_temp.delete_one(p_filters jsonb) returns jsonb language sql as $$
  select public.parlant_delete_one('pgtap_delete_', 'things', $1)
$$;

select is(
  pg_temp.delete_one('{"kind": {"$eq": "x"}}'),
  '{"deleted_count": 1, "deleted_document": {"id": "b", "kind": "x"}}'::jsonb,
  'the match that was inserted first is deleted and returned'
);

select is(
  pg_temp.delete_one('{"kind": {"$eq": "x"}}') #>> '{deleted_document,id}', 'a',
  'then the next one'
);

select is(
  pg_temp.delete_one('{"kind": {"$eq": "x"}}'),
  '{"deleted_count": 0, "deleted_document": null}'::jsonb,
  'then none'
);

select is(
  (select array_agg(t.id) from public.pgtap_delete_things as t), '{c}',
  'what does not match stays'
);

select is(
  pg_temp.delete_one(null) #>> '{deleted_document,id}', 'c',
  'no filter takes the first of all'
);

select is(
  pg_temp.delete_one('{}') -> 'deleted_count', '0'::jsonb,
  'an empty collection has nothing to delete'
);

select throws_ok(
  $$select public.parlant_delete_one('pgtap_delete_', 'things', '{"id": "a"}')$$,
  'PD001', 'invalid filter at filter["id"]: expected operators, got string',
  'a malformed filter deletes nothing'
);

select throws_ok(
  $$select public.parlant_delete_one('pgtap_delete_', 'nothings', null)$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_delete_'' does not exist',
  'a collection that is not there is an error'
);

select f.line from finish() as f (line);
rollback;
