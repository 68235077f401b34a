begin;
create extension if not exists pgtap with schema extensions;
select plan(9);

set local role service_role;

select throws_ok(
  $$select public.parlant_delete_collection('pgtap_drop_', 'things')$$,
  'PD004', 'collection ''things'' under prefix ''pgtap_drop_'' does not exist',
  'a collection that is not there is an error'
);

select lives_ok(
  $$select public.parlant_create_collection('pgtap_drop_', 'things')$$,
  'a collection'
);
insert into public.pgtap_drop_things_failed_migrations (id, data) values ('f', '{"id": "f"}');

select is(
  public.parlant_delete_collection('pgtap_drop_', 'things'), '{"deleted": true}'::jsonb,
  'one that is there is deleted'
);

select hasnt_table('public', 'pgtap_drop_things'::name, 'its table is gone');

select has_table(
  'public', 'pgtap_drop_things_failed_migrations'::name, 'the table of its failed documents is not'
);

select throws_ok(
  $$select public.parlant_find('pgtap_drop_', 'things')$$,
  'PD004', 'collection ''things'' under prefix ''pgtap_drop_'' does not exist',
  'nothing can be read from it any more'
);

select is(
  public.parlant_get_or_create_collection('pgtap_drop_', 'things') -> 'created', 'true'::jsonb,
  'it can be made anew'
);

select is(
  (select array_agg(f.id) from public.pgtap_drop_things_failed_migrations as f), '{f}',
  'with the failed documents that were there'
);

select lives_ok(
  $$insert into public.pgtap_drop_things_failed_migrations (id, data) values ('g', '{"id": "g"}')$$,
  'and room for more'
);

select f.line from finish() as f (line);
rollback;
