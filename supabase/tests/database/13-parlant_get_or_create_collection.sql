begin;
create extension if not exists pgtap with schema extensions;
select plan(6);

set local role service_role;

select is(
  public.parlant_get_or_create_collection('pgtap_open_', 'things', '0.2.0'),
  '{"created": true, "table": "public.pgtap_open_things",
    "failed_table": "public.pgtap_open_things_failed_migrations", "documents": [], "next": null}'::jsonb,
  'a collection that is not there is created'
);

insert into public.pgtap_open_things (data)
values ('{"id": "old", "version": "0.1.0"}'), ('{"id": "current", "version": "0.2.0"}');

select is(
  public.parlant_get_or_create_collection('pgtap_open_', 'things', '0.2.0') -> 'created',
  'false'::jsonb,
  'one that is there is opened'
);

select is(
  jsonb_path_query_array(
    public.parlant_get_or_create_collection('pgtap_open_', 'things', '0.2.0'), '$.documents[*].id'
  ),
  '["old"]'::jsonb,
  'with the documents of another version than the store''s'
);

select is(
  public.parlant_get_or_create_collection('pgtap_open_', 'events') ->> 'table',
  'public.pgtap_open_events',
  'the default indexes go by the collection''s name'
);

select has_index(
  'public', 'pgtap_open_events',
  parlant_internal.index_name(
    'pgtap_open_', 'events',
    '[["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]]', false
  ),
  'so events under any prefix have theirs'
);

select throws_ok(
  $$select public.parlant_get_or_create_collection('', 'things')$$,
  'PD006', 'the table prefix and the collection name must not be empty',
  'a prefix is needed'
);

select f.line from finish() as f (line);
rollback;
