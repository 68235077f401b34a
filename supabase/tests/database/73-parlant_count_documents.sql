begin;
create extension if not exists pgtap with schema extensions;
select plan(5);

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
  '{"collections": [{"prefix": "pgtap_n_", "collection": "notes", "table": "pgtap_n_notes", "documents": 2,
    "failed_table": "pgtap_n_notes_failed_migrations", "failed": 1}]}'::jsonb,
  'documents and failed ones are counted'
);

select is(
  (
    select count(*) from jsonb_array_elements(public.parlant_count_documents('pgtap_') -> 'collections')
  ),
  2::bigint,
  'of every prefix that begins so'
);

insert into public.pgtap_n_notes (data)
select jsonb_build_object('id', n.n::text) from generate_series(1, 10000) as n (n);
reset role;
analyze public.pgtap_n_notes;
delete from public.pgtap_n_notes as n
where n.id = 'a';
drop table public.pgtap_o_notes_failed_migrations;
set local role service_role;

select results_eq(
  $$
    select (public.parlant_count_documents('pgtap_n_', e.exact) #>> '{collections,0,documents}')::integer
    from (values (true), (false)) as e (exact)
  $$,
  '{10001,10002}'::integer[],
  'large tables are counted exactly unless an estimate will do'
);

select is(
  public.parlant_count_documents('pgtap_o_') #- '{collections,0,table}' #- '{collections,0,failed_table}',
  '{"collections": [{"prefix": "pgtap_o_", "collection": "notes", "documents": 0, "failed": null}]}'::jsonb,
  'a table that is missing has no count'
);

select f.line from finish() as f (line);
rollback;
