begin;
create extension if not exists pgtap with schema extensions;
select plan(5);

set local role service_role;

select is(
  public.parlant_open_store('pgtap_x_', '{things,others}', '2') -> 'metadata',
  '[]'::jsonb,
  'a new store has no metadata'
);

insert into public.pgtap_x_metadata (data)
values ('{"id": "z", "version": "1"}'), ('{"id": "a", "version": "1"}');
insert into public.pgtap_x_things (data)
values ('{"id": "old", "version": "1"}'), ('{"id": "new", "version": "2"}');

select is(
  public.parlant_open_store('pgtap_x_', '{things,others}', '2') -> 'metadata',
  '[{"id": "z", "version": "1"}, {"id": "a", "version": "1"}]'::jsonb,
  'metadata comes in the order of insertion'
);

select is(
  (
    select
      jsonb_object_agg(c.key, jsonb_build_array(
        c.value -> 'created', c.value -> 'table', c.value #> '{documents,0,data}', c.value #> '{documents,1}'
      ))
    from jsonb_each(public.parlant_open_store('pgtap_x_', '{things,others}', '2') -> 'collections') as c
  ),
  '{
    "things": [false, "public.pgtap_x_things", {"id": "old", "version": "1"}, null],
    "others": [false, "public.pgtap_x_others", null, null]
  }'::jsonb,
  'each collection comes with the documents that its loader has to see'
);

select is(
  public.parlant_open_store('pgtap_x_', '{}', '2') -> 'collections',
  '{}'::jsonb,
  'a store may have no collection but metadata'
);

select throws_ok(
  $$select public.parlant_open_store('', '{things}', '2')$$,
  'PD006', 'the table prefix and the collection name must not be empty',
  'the prefix has to make a table name'
);

select f.line from finish() as f (line);
rollback;
