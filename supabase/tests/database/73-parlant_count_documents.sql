begin;
create extension if not exists pgtap with schema extensions;
select plan(3);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_n_', 'notes'),
           public.parlant_create_collection('pgtap_o_', 'notes')$$,
  'two collections'
);

insert into public.pgtap_n_notes (data) values ('{"id": "a"}'), ('{"id": "b"}');
insert into public.pgtap_n_notes_failed_migrations (id, data) values ('c', '{"id": "c"}');

select is(
  public.parlant_count_documents('pgtap_n_'),
  '{"collections": [{"prefix": "pgtap_n_", "collection": "notes", "documents": 2, "failed": 1}]}'::jsonb,
  'documents and failed ones are counted'
);

select is(
  (
    select count(*) from jsonb_array_elements(public.parlant_count_documents('pgtap_') -> 'collections')
  ),
  2::bigint,
  'of every prefix that begins so'
);

select f.line from finish() as f (line);
rollback;
