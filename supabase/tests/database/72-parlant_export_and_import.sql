-- Exporting documents, importing documents and failed documents, adopting the tables of others.
begin;
create extension if not exists pgtap with schema extensions;
select plan(38);

select public.parlant_create_collection('pgtap_move_', 'things');
select public.parlant_create_collection('pgtap_move_', 'others');

set local role service_role;

create function pg_temp.imported(p_documents jsonb, p_replace boolean default false) returns jsonb
language sql
as $$
  select public.parlant_import_documents('pgtap_move_', 'things', p_documents, p_replace)
$$;

create function pg_temp.exported(p_collection text) returns text[]
language sql
as $$
  select array_agg(d.value order by d.ordinality)
  from jsonb_array_elements_text(
    public.parlant_export_documents('pgtap_move_', p_collection) -> 'documents'
  ) with ordinality as d (value, ordinality)
$$;

create function pg_temp.stored(p_id text) returns text
language sql
as $$
  select t.data::text from public.pgtap_move_things as t where t.id = p_id
$$;

-- Importing.

select is(
  pg_temp.imported('[{"id": "b", "version": "1"}, {"id": "a", "x": 1.10}, "{\"id\": \"c\", \"x\": 1e16}"]'),
  '{"inserted": 3, "unchanged": 0, "replaced": 0, "different": []}'::jsonb,
  'documents are inserted, as objects or as text'
);

select is(
  pg_temp.exported('things'),
  array['{"id": "b", "version": "1"}', '{"x": 1.10, "id": "a"}', '{"x": 10000000000000000, "id": "c"}'],
  'in their order, whatever their version, and come out to the digit'
);

select is(
  pg_temp.imported('[{"id": "b", "version": "1"}, {"id": "d"}, {"id": "a", "x": 1.10}]'),
  '{"inserted": 1, "unchanged": 2, "replaced": 0, "different": []}'::jsonb,
  'those that are there are left alone'
);

select
  is(
    pg_temp.imported(jsonb_build_array(n.document)),
    jsonb_build_object(
      'inserted', 0, 'unchanged', 0, 'replaced', 0, 'different', array[n.document ->> 'id']
    ),
    format('%s is not what is there', n.document)
  )
from (
  values
  ('{"id": "b", "version": "2"}'::jsonb),
  ('{"id": "b", "version": "1", "creation_utc": "2026"}'),
  ('{"id": "a", "x": 1.1}'),
  ('{"id": "d", "x": null}')
) as n (document);

select is(pg_temp.stored('b'), '{"id": "b", "version": "1"}', 'and is not overwritten');

select is(
  pg_temp.imported('[{"id": "b", "version": "2"}, {"id": "e"}, {"id": "d"}]', true),
  '{"inserted": 1, "unchanged": 1, "replaced": 1, "different": []}'::jsonb,
  'unless that is asked for'
);
select is(pg_temp.stored('b'), '{"id": "b", "version": "2"}', 'then it is replaced');
select is(
  (pg_temp.exported('things'))[1], '{"id": "b", "version": "2"}', 'and keeps its place in the order'
);

select is(
  pg_temp.imported('[{"id": "f"}, {"id": "f"}, {"id": "f", "x": 1}]'),
  '{"inserted": 1, "unchanged": 1, "replaced": 0, "different": ["f"]}'::jsonb,
  'of those that share an id the first is inserted'
);

select
  throws_ok(
    format('select pg_temp.imported(%L)', i.documents), i.code, i.message, i.message
  )
from (
  values
  ('{}', 'PD008', 'the documents must be a list, got object'),
  ('[{"id": "g"}, [1]]', 'PD002', 'a document must be an object, got array'),
  ('[{"id": "g"}, {"id": 1}]', 'PD002', 'the id of a document must be a string, got number'),
  ('[{"id": "g"}, "{"]', 'PD002', 'a document must be an object, got text that is not JSON')
) as i (documents, code, message);
select throws_ok(
  $$select pg_temp.imported(null)$$, 'PD008', 'the documents must be a list, got null', 'a list is needed'
);
select is(pg_temp.stored('g'), null, 'of a list that is refused nothing is written');

select throws_ok(
  $$select public.parlant_import_documents('pgtap_move_', 'nothings', '[]')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_move_'' does not exist',
  'the collection is there'
);

-- Exporting.

select is(
  public.parlant_export_documents('pgtap_move_', 'others'), '{"documents": [], "next": null}'::jsonb,
  'nothing is no documents'
);

insert into public.pgtap_move_others (data)
select jsonb_build_object('id', (2000 - n.number)::text, 'version', (n.number % 3)::text)
from generate_series(1, 1001) as n (number);

create temporary table pages as
with recursive pages (number, page) as (
  select
    1,
    public.parlant_export_documents('pgtap_move_', 'others')
  union all
  select
    p.number + 1,
    public.parlant_export_documents('pgtap_move_', 'others', nullif(p.page -> 'next', 'null'))
  from pages as p
  where p.page -> 'next' <> 'null'
)

select
  p.number,
  p.page
from pages as p;

select results_eq(
  $$select jsonb_array_length(p.page -> 'documents') from pages as p order by p.number$$,
  array[500, 500, 1],
  'pages hold 500 documents'
);

select is(
  (
    select array_agg(d.value::jsonb ->> 'id' order by p.number, d.ordinality)
    from pages as p
    cross join jsonb_array_elements_text(p.page -> 'documents') with ordinality as d (value, ordinality)
  ),
  (select array_agg((2000 - n.number)::text order by n.number) from generate_series(1, 1001) as n (number)),
  'and each document once, in order of insertion'
);

update public.pgtap_move_others as t
set data = t.data || jsonb_build_object('text', repeat('x', 3000000))
where t.id in ('1999', '1998', '1997');
select is(
  jsonb_array_length(public.parlant_export_documents('pgtap_move_', 'others') -> 'documents'),
  2,
  'a page ends past 4 MB'
);

select throws_ok(
  $$select public.parlant_export_documents('pgtap_move_', 'nothings')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_move_'' does not exist',
  'the collection is there'
);

-- Failed documents.

create function pg_temp.imported_failed(p_documents jsonb) returns jsonb
language sql
as $$
  select public.parlant_import_failed_documents('pgtap_move_', 'things', p_documents)
$$;

select is(
  pg_temp.imported_failed('[
    {"id": "x", "data": {"id": "x"}, "reason": "rejected", "failed_at": "2026-01-01T00:00:00.5+00:00"},
    {"id": "y", "data": "{\"id\": \"y\"}", "reason": "raised: KeyError", "failed_at": null},
    {"id": null, "data": null, "reason": "unknown", "failed_at": null}
  ]'),
  '{"inserted": 3, "unchanged": 0}'::jsonb,
  'failed documents are kept'
);

select results_eq(
  $$
    select concat_ws(' ', f.id, f.data, f.reason) collate "C"
    from public.pgtap_move_things_failed_migrations as f
    order by f.seq
  $$,
  array['x {"id": "x"} rejected', 'y {"id": "y"} raised: KeyError', 'unknown'] collate "C",
  'in their order, with what is known of them'
);

select is(
  (
    select count(*)
    from public.pgtap_move_things_failed_migrations as f
    where f.failed_at = '2026-01-01 00:00:00.5+00'
  ),
  1::bigint,
  'and when they failed'
);

select is(
  pg_temp.imported_failed('[
    {"id": "x", "data": {"id": "x"}, "reason": "rejected", "failed_at": "2026-01-01T00:00:00.5+00:00"},
    {"id": "x", "data": {"id": "x"}, "reason": "rejected"},
    {"id": "x", "data": {"id": "x"}, "reason": "rejected", "failed_at": "2026-01-02T00:00:00+00:00"},
    {"id": "x", "data": {"id": "x", "y": 1}, "reason": "rejected"},
    {"id": null, "data": null, "reason": "unknown"}
  ]'),
  '{"inserted": 2, "unchanged": 3}'::jsonb,
  'those that are there are not kept twice'
);

select throws_ok(
  $$select pg_temp.imported_failed('7')$$, 'PD008', 'the documents must be a list, got number',
  'a list is needed'
);
select throws_ok(
  $$select pg_temp.imported_failed('[{"id": "x", "data": [1]}]')$$,
  'PD002', 'a document must be an object, got array',
  'of documents'
);
select throws_ok(
  $$select public.parlant_import_failed_documents('pgtap_move_', 'nothings', '[]')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_move_'' does not exist',
  'the collection is there'
);

-- Adopting.

reset role;
create table public.pgtap_made_events (
  id text not null primary key,
  version text,
  creation_utc text,
  session_id text,
  customer_id text,
  agent_id text,
  data jsonb not null default '{}'::jsonb
);
insert into public.pgtap_made_events (id, version, data)
values ('e1', '0.9.0', '{"kind": "message"}');
create table public.pgtap_orders_events (id bigint not null primary key);
set local role service_role;

select is(
  public.parlant_adopt_collections('pgtap_made_', '{sessions,events}'),
  '{"collections": ["events"]}'::jsonb,
  'a table that was made by hand is adopted'
);
select is(
  public.parlant_export_documents('pgtap_made_', 'events') -> 'documents' ->> 0,
  '{"id": "e1", "kind": "message", "version": "0.9.0"}',
  'with its rows'
);
select is(
  to_regclass('public.pgtap_made_sessions'), null, 'one that is not there is not made'
);
select is(
  public.parlant_adopt_collections('pgtap_made_', '{events,sessions}'),
  '{"collections": ["events"]}'::jsonb,
  'and again, nothing is left to do'
);
select throws_ok(
  $$select public.parlant_adopt_collections('pgtap_orders_', '{events}')$$,
  'PD007', 'pgtap_orders_events exists and is not a table of parlant-supabase',
  'a table that holds something else is refused'
);

-- Nothing is unique among failed documents, so imports of them take turns.

create function pg_temp.holds_lock_of(p_text text) returns boolean language sql as $$
  select exists (
    select from pg_catalog.pg_locks as l
    where
      l.locktype = 'advisory' and l.pid = pg_catalog.pg_backend_pid() and l.objsubid = 1 and l.granted
      and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(p_text, 0)
  )
$$;

select ok(
  not pg_temp.holds_lock_of('public.pgtap_move_latecomers_failed_migrations'),
  'no import of failed documents has its turn'
);
select public.parlant_create_collection('pgtap_move_', 'latecomers');
select public.parlant_import_failed_documents('pgtap_move_', 'latecomers', '[]');
select ok(
  pg_temp.holds_lock_of('public.pgtap_move_latecomers_failed_migrations'),
  'until one has begun'
);

select f.line from finish() as f (line);
rollback;
