begin;
create extension if not exists pgtap with schema extensions;
select plan(8);

set local role service_role;

select throws_ok(
  $$select public.parlant_get_collection('pgtap_get_', 'things')$$,
  'PD004', 'collection ''things'' under prefix ''pgtap_get_'' does not exist',
  'a collection that is not there is an error'
);

select lives_ok(
  $$select public.parlant_create_collection('pgtap_get_', 'things')$$,
  'a collection'
);

select is(
  public.parlant_get_collection('pgtap_get_', 'things'),
  '{"created": false, "table": "public.pgtap_get_things",
    "failed_table": "public.pgtap_get_things_failed_migrations", "documents": [], "next": null}'::jsonb,
  'an empty collection is opened'
);

insert into public.pgtap_get_things (data)
values
('{"id": "old", "version": "0.1.0"}'),
('{"id": "current", "version": "0.2.0"}'),
('{"id": "new", "version": "0.3.0"}'),
('{"id": "none"}');

-- The ids of the documents that a loader gets to see.
create function pg_temp.loaded(p_opened jsonb) returns text[] language sql as $$
  select array_agg(d.value ->> 'id' order by d.value ->> 'id')
  from jsonb_array_elements($1 -> 'documents') as d
$$;

select is(
  pg_temp.loaded(public.parlant_get_collection('pgtap_get_', 'things', '0.2.0')),
  '{new,none,old}',
  'the documents of another version than the store''s are there to load'
);

select is(
  pg_temp.loaded(public.parlant_get_collection('pgtap_get_', 'things')),
  '{current,new,none,old}',
  'all documents are where the store has no version'
);

select is(
  (
    select d.value
    from
      jsonb_array_elements(
        public.parlant_get_collection('pgtap_get_', 'things', '0.2.0') -> 'documents'
      ) as d
    where d.value ->> 'id' = 'old'
  ),
  jsonb_build_object(
    'id', 'old',
    'digest', md5('{"id": "old", "version": "0.1.0"}'::jsonb::text),
    'data', '{"id": "old", "version": "0.1.0"}'::jsonb
  ),
  'each with its id, a digest of what was read, and the document'
);

insert into public.pgtap_get_things (data)
select jsonb_build_object('id', 'many' || n.number, 'version', '0.1.0')
from generate_series(1, 600) as n (number);

select is(
  jsonb_array_length(public.parlant_get_collection('pgtap_get_', 'things', '0.2.0') -> 'documents'),
  500,
  'a page ends at 500 documents'
);

select isnt(
  public.parlant_get_collection('pgtap_get_', 'things', '0.2.0') -> 'next', 'null'::jsonb,
  'and says where the next one begins'
);

select f.line from finish() as f (line);
rollback;
