-- Counting, listing, restoring and dropping failed documents.
begin;
create extension if not exists pgtap with schema extensions;
select plan(36);

select public.parlant_create_collection('pgtap_failed_', 'things');
select public.parlant_create_collection('pgtap_failed_', 'others');

set local role service_role;

insert into public.pgtap_failed_things_failed_migrations (id, data, reason, failed_at)
values
('moved', '{"id": "moved", "version": "1"}', 'rejected', '2026-01-01 00:00+00'),
('kept', '{"id": "kept", "version": "1"}', 'raised: KeyError', '2026-01-02 00:00+00'),
('old', '{"id": "old"}', 'unknown', '2026-01-03 00:00+00');

-- Counting.

select is(
  public.parlant_count_failed_documents('pgtap_failed_'),
  '{"collections": [
    {"prefix": "pgtap_failed_", "collection": "others", "rejected": 0, "raised": 0, "unknown": 0},
    {"prefix": "pgtap_failed_", "collection": "things", "rejected": 1, "raised": 1, "unknown": 1}
  ]}'::jsonb,
  'failed documents are counted by collection and reason'
);

select is(
  public.parlant_count_failed_documents('pgtap_failed_', 'others') #> '{collections,0,collection}',
  '"others"'::jsonb,
  'of one collection, if it is named'
);

-- Listing.

select is(
  public.parlant_list_failed_documents('pgtap_failed_', 'things') #- '{documents,0,seq}'
  #- '{documents,1,seq}' #- '{documents,2,seq}',
  '{"documents": [
    {"id": "moved", "version": "1", "reason": "rejected", "failed_at": "2026-01-01T00:00:00+00:00"},
    {"id": "kept", "version": "1", "reason": "raised: KeyError", "failed_at": "2026-01-02T00:00:00+00:00"},
    {"id": "old", "version": null, "reason": "unknown", "failed_at": "2026-01-03T00:00:00+00:00"}
  ], "next": null}'::jsonb,
  'they are listed in the order in which they failed'
);

select is(
  public.parlant_list_failed_documents('pgtap_failed_', 'things', null, true) #> '{documents,2,data}',
  '{"id": "old"}'::jsonb,
  'with the documents themselves where they are asked for'
);

select throws_ok(
  $$select public.parlant_list_failed_documents('pgtap_failed_', 'nothings')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_failed_'' does not exist',
  'of a collection that is there'
);

insert into public.pgtap_failed_others_failed_migrations (id, data, reason)
select
  n::text as id,
  jsonb_build_object('id', n::text) as data,
  'rejected' as reason
from generate_series(1, 1001) as n;

create temporary table pages as
with recursive pages (number, page) as (
  select
    1,
    public.parlant_list_failed_documents('pgtap_failed_', 'others')
  union all
  select
    p.number + 1,
    public.parlant_list_failed_documents('pgtap_failed_', 'others', (p.page -> 'next')::bigint)
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
    select count(distinct d.value ->> 'id')
    from pages as p
    cross join jsonb_array_elements(p.page -> 'documents') as d
  ),
  1001::bigint,
  'and each document once'
);

update public.pgtap_failed_others_failed_migrations as f
set data = f.data || jsonb_build_object('text', repeat('x', 3000000))
where f.id in ('1', '2', '3');
select is(
  jsonb_array_length(
    public.parlant_list_failed_documents('pgtap_failed_', 'others', null, true) -> 'documents'
  ),
  2,
  'a page ends past 4 MB'
);

-- Restoring.

create function pg_temp.seq_of(p_id text) returns bigint
language sql
as $$
  select max(f.seq) from public.pgtap_failed_things_failed_migrations as f where f.id = p_id
$$;

-- What comes of restoring one document, and whether it is still among the failed ones.
create function pg_temp.restored(p_id text, p_converted jsonb) returns text
language sql
as $$
  with failed as materialized (select pg_temp.seq_of(p_id) as seq),

  reply as materialized (
    select
      public.parlant_restore_failed_documents(
        'pgtap_failed_', 'things',
        jsonb_build_array(jsonb_build_object('seq', f.seq, 'data', p_converted)), '2'
      ) as value
    from failed as f
  )

  select r.value #>> '{outcomes,0,outcome}' from reply as r
$$;

create function pg_temp.stored(p_id text) returns jsonb
language sql
as $$
  select t.data from public.pgtap_failed_things as t where t.id = p_id
$$;

select is(pg_temp.restored('moved', '{"id": "moved", "version": "2"}'), 'restored', 'a rejected one');
select is(pg_temp.stored('moved'), '{"id": "moved", "version": "2"}'::jsonb, 'is back, converted');
select is(pg_temp.seq_of('moved'), null, 'and is no failed one any more');

insert into public.pgtap_failed_things (data) values ('{"id": "kept", "version": "1"}');
select is(pg_temp.restored('kept', '{"id": "kept", "version": "2"}'), 'replaced', 'one that had stayed');
select is(pg_temp.stored('kept'), '{"id": "kept", "version": "2"}'::jsonb, 'is there, converted');
select is(pg_temp.seq_of('kept'), null, 'and is no failed one any more');

insert into public.pgtap_failed_things_failed_migrations (id, data, reason)
values
('changed', '{"id": "changed", "version": "1"}', 'raised: x'),
('done', '{"id": "done", "version": "1"}', 'raised: x'),
('gone', '{"id": "gone", "version": "1"}', 'raised: x'),
('anew', '{"id": "anew", "version": "1"}', 'rejected'),
('same', '{"id": "same", "version": "1"}', 'rejected'),
('renamed', '{"id": "renamed", "version": "1"}', 'rejected');
insert into public.pgtap_failed_things (data)
values
('{"id": "changed", "version": "1", "by": "the agent"}'),
('{"id": "done", "version": "2", "by": "the agent"}'),
('{"id": "anew", "version": "2", "by": "the agent"}'),
('{"id": "same", "version": "2"}');

select is(
  pg_temp.restored('changed', '{"id": "changed", "version": "2"}'), 'occupied',
  'one that was changed in the collection is not overwritten'
);
select is(
  pg_temp.stored('changed'), '{"id": "changed", "version": "1", "by": "the agent"}'::jsonb,
  'the change is there'
);
select isnt(pg_temp.seq_of('changed'), null, 'and so is the failed one');

select is(
  pg_temp.restored('done', '{"id": "done", "version": "2"}'), 'settled',
  'one that had stayed and was converted since is settled'
);
select is(
  pg_temp.stored('done'), '{"id": "done", "version": "2", "by": "the agent"}'::jsonb,
  'and left as it is'
);

select is(
  pg_temp.restored('gone', '{"id": "gone", "version": "2"}'), 'deleted',
  'one that had stayed and was deleted since does not come back'
);

select is(
  pg_temp.restored('anew', '{"id": "anew", "version": "2"}'), 'occupied',
  'a rejected one gives way to a document that has its id now'
);

select is(
  pg_temp.restored('same', '{"id": "same", "version": "2"}'), 'settled',
  'unless that is the same document'
);

select is(
  pg_temp.restored('renamed', '{"id": "anew", "version": "2"}'), 'occupied',
  'a loader that gives a document the id of another overwrites nothing'
);

select is(
  public.parlant_restore_failed_documents(
    'pgtap_failed_', 'things', '[{"seq": -7, "data": {"id": "x"}}]', '2'
  ),
  '{"outcomes": []}'::jsonb,
  'what is no failed document any more has no outcome'
);

select throws_ok(
  $$select public.parlant_restore_failed_documents('pgtap_failed_', 'things', null, '2')$$,
  'PD008', 'the documents must be a list, got null',
  'a list is needed'
);

-- Dropping.

select is(
  public.parlant_drop_failed_documents(
    'pgtap_failed_', 'things', jsonb_build_array(pg_temp.seq_of('gone'), pg_temp.seq_of('anew'), -7)
  ),
  '{"dropped": 2}'::jsonb,
  'those named that are there are dropped'
);

select throws_ok(
  $$select public.parlant_drop_failed_documents('pgtap_failed_', 'things', '7')$$,
  'PD008', 'the seqs must be a list, got number',
  'a list is needed'
);

-- Failed documents whose data is NULL, as tables that were made by hand may have.

insert into public.pgtap_failed_things_failed_migrations (id, data, reason)
values ('unknown', null, 'raised: x'), ('nowhere', null, 'rejected');
insert into public.pgtap_failed_things (data) values ('{"id": "unknown", "version": "1"}');

select is(
  pg_temp.restored('unknown', '{"id": "unknown", "version": "2"}'), 'occupied',
  'one that is not known overwrites nothing'
);
select is(
  pg_temp.stored('unknown'), '{"id": "unknown", "version": "1"}'::jsonb, 'what is stored stays'
);
select is(
  pg_temp.restored('nowhere', '{"id": "nowhere", "version": "2"}'), 'restored',
  'and is restored where nothing is stored'
);

update public.pgtap_failed_others_failed_migrations as f
set data = null
where f.id = '1';
select is(
  jsonb_array_length(
    public.parlant_list_failed_documents('pgtap_failed_', 'others', null, true) -> 'documents'
  ),
  3,
  'a page with one of them still ends past 4 MB'
);

-- Copying what cannot be read.

insert into public.pgtap_failed_things (data)
values ('{"id": "damaged", "version": "2"}'), ('{"id": "known", "version": "2"}');
insert into public.pgtap_failed_things_failed_migrations (id, data, reason)
values ('known', '{"id": "known"}', 'raised: KeyError'), ('damaged', '{"id": "damaged"}', 'rejected');

select is(
  public.parlant_copy_unreadable_documents(
    'pgtap_failed_', 'things',
    '[
      {"id": "damaged", "reason": "raised: KeyError"}, {"id": "known", "reason": "raised: x"},
      {"id": "absent", "reason": "raised: y"}
    ]'
  ),
  '{"copied": 1}'::jsonb,
  'documents that cannot be read are copied, but for those that have a copy or are not there'
);
select results_eq(
  $$
    select f.id, f.data, f.reason from public.pgtap_failed_things_failed_migrations as f
    where f.id in ('damaged', 'known') and f.reason <> 'rejected' order by f.id
  $$,
  $$values
    ('damaged' collate "C", '{"id": "damaged", "version": "2"}'::jsonb, 'raised: KeyError'),
    ('known', '{"id": "known"}', 'raised: KeyError')$$,
  'with the reason'
);
select is(
  pg_temp.stored('damaged'), '{"id": "damaged", "version": "2"}'::jsonb, 'and stay where they are'
);
select is(
  public.parlant_copy_unreadable_documents('pgtap_failed_', 'things', '[{"id": "damaged"}]'),
  '{"copied": 0}'::jsonb,
  'once'
);
select throws_ok(
  $$select public.parlant_copy_unreadable_documents('pgtap_failed_', 'things', '{}')$$,
  'PD008', null, 'a list is wanted'
);

select f.line from finish() as f (line);
rollback;
