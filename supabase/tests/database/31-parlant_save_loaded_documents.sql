begin;
create extension if not exists pgtap with schema extensions;
select plan(34);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_save_', 'things')$$,
  'a collection'
);

insert into public.pgtap_save_things (data)
values
('{"id": "changed", "version": "0.1.0"}'),
('{"id": "rejected", "version": "0.1.0"}'),
('{"id": "raised", "version": "0.1.0"}'),
('{"id": "stale", "version": "0.1.0"}'),
('{"id": "renamed", "version": "0.1.0"}'),
('{"id": "current", "version": "0.2.0"}');

create function pg_temp.save(p_results jsonb, p_after jsonb default null) returns jsonb
language sql as $$
  select public.parlant_save_loaded_documents('pgtap_save_', 'things', $1, '0.2.0', $2)
$$;

create function pg_temp.digest(p_id text) returns text language sql as $$
  select md5(t.data::text) from public.pgtap_save_things as t where t.id = $1
$$;

create function pg_temp.stored(p_id text) returns jsonb language sql as $$
  select t.data from public.pgtap_save_things as t where t.id = $1
$$;

create function pg_temp.failed(p_id text) returns setof text language sql as $$
  select f.reason || ' ' || f.data from public.pgtap_save_things_failed_migrations as f where f.id = $1
$$;

select is(
  pg_temp.save('[]'),
  '{"changed": 0, "rejected": 0, "raised": 0, "documents": [], "next": null}'::jsonb,
  'no results are none'
);

-- The three outcomes.

select is(
  pg_temp.save(jsonb_build_array(
    jsonb_build_object(
      'id', 'changed', 'digest', pg_temp.digest('changed'), 'outcome', 'changed',
      'data', '{"id": "changed", "version": "0.2.0", "new": 1}'::jsonb
    ),
    jsonb_build_object('id', 'rejected', 'digest', pg_temp.digest('rejected'), 'outcome', 'rejected'),
    jsonb_build_object(
      'id', 'raised', 'digest', pg_temp.digest('raised'), 'outcome', 'raised', 'reason', 'KeyError'
    )
  )) - 'documents',
  '{"changed": 1, "rejected": 1, "raised": 1, "next": null}'::jsonb,
  'each outcome is counted'
);

select is(
  pg_temp.stored('changed'), '{"id": "changed", "version": "0.2.0", "new": 1}'::jsonb,
  'a changed document is replaced'
);
select is_empty($$select f.f from pg_temp.failed('changed') as f (f)$$, 'and has not failed');

select is(pg_temp.stored('rejected'), null, 'a rejected document is gone from the collection');
select results_eq(
  $$select f.f from pg_temp.failed('rejected') as f (f)$$,
  $$values ('rejected {"id": "rejected", "version": "0.1.0"}')$$,
  'and kept among the failed ones'
);

select is(
  pg_temp.stored('raised'), '{"id": "raised", "version": "0.1.0"}'::jsonb,
  'a document whose loader raised stays'
);
select results_eq(
  $$select f.f from pg_temp.failed('raised') as f (f)$$,
  $$values ('raised: KeyError {"id": "raised", "version": "0.1.0"}')$$,
  'and a copy of it is kept'
);

select is(
  pg_temp.save(jsonb_build_array(jsonb_build_object(
    'id', 'raised', 'digest', pg_temp.digest('raised'), 'outcome', 'raised', 'reason', 'KeyError'
  ))) -> 'raised',
  '1'::jsonb,
  'when it raises again'
);
select is(
  (
    select count(*)
    from public.pgtap_save_things_failed_migrations as f
    where f.id = 'raised'
  ),
  1::bigint,
  'there is still one copy'
);

-- A document may get another id, though not that of another.

select is(
  pg_temp.save(jsonb_build_array(jsonb_build_object(
    'id', 'renamed', 'digest', pg_temp.digest('renamed'), 'outcome', 'changed',
    'data', '{"id": "name", "version": "0.2.0"}'::jsonb
  ))) -> 'changed',
  '1'::jsonb,
  'a loader may give a document another id'
);
select is(pg_temp.stored('renamed'), null, 'which replaces the old one');

select throws_ok(
  format(
    'select public.parlant_save_loaded_documents(%L, %L, %L)', 'pgtap_save_', 'things',
    jsonb_build_array(jsonb_build_object(
      'id', 'stale', 'digest', pg_temp.digest('stale'), 'outcome', 'changed',
      'data', '{"id": "current", "version": "0.2.0"}'::jsonb
    ))
  ),
  'PD003', 'the loader gave a document the id of another',
  'but not the id of another document'
);

-- Somebody else was there first.

update public.pgtap_save_things as t
set data = t.data || '{"touched": true}'
where t.id = 'stale';

select
  is(
    pg_temp.save(jsonb_build_array(jsonb_build_object(
      'id', 'stale', 'digest', md5('{"id": "stale", "version": "0.1.0"}'::jsonb::text), 'outcome', o.outcome,
      'data', '{"id": "stale", "version": "0.2.0"}'::jsonb, 'reason', 'KeyError'
    ))) -> o.outcome,
    '0'::jsonb,
    format('a document that was changed since it was read is left alone if %s', o.outcome)
  )
from (values ('changed'), ('rejected'), ('raised')) as o (outcome);

select is(
  pg_temp.stored('stale'), '{"id": "stale", "version": "0.1.0", "touched": true}'::jsonb,
  'it stays as it is'
);
select is_empty($$select f.f from pg_temp.failed('stale') as f (f)$$, 'and has not failed');

select is(
  pg_temp.save(
    '[{"id": "nobody", "digest": "d", "outcome": "changed", "data": {"id": "nobody"}}]'
  ) -> 'changed',
  '0'::jsonb,
  'a document that is gone stays gone'
);

-- Whoever loads sees it again, as it is now, unless it has got to the store's version.

create function pg_temp.again(p_id text, p_digest text = 'another') returns jsonb language sql as $$
  select pg_temp.save(jsonb_build_array(jsonb_build_object(
    'id', p_id, 'digest', p_digest, 'outcome', 'changed', 'data', jsonb_build_object('id', p_id)
  ))) -> 'documents'
$$;

insert into public.pgtap_save_things (data) values ('{"id": "unversioned"}');

select
  is(
    pg_temp.again(i.id),
    jsonb_build_array(jsonb_build_object(
      'id', i.id, 'digest', pg_temp.digest(i.id), 'data', pg_temp.stored(i.id)
    )),
    'seen again: ' || i.id
  )
from (values ('stale'), ('unversioned')) as i (id);
select is(pg_temp.again('current'), '[]'::jsonb, 'a document of the store''s version is not');
select is(pg_temp.again('nobody'), '[]'::jsonb, 'nor is one that is gone');
select is(
  pg_temp.again('stale', null) #>> '{0,id}', 'stale', 'without a digest nothing is replaced'
);
select is(
  pg_temp.again('unversioned', pg_temp.digest('unversioned')), '[]'::jsonb,
  'a document that was replaced is not seen again'
);

-- The next page.

delete from public.pgtap_save_things as t
where true;
insert into public.pgtap_save_things (data)
select
  jsonb_build_object(
    'id', 'many' || n.number, 'version', case n.number % 2 when 0 then '0.1.0' else '0.3.0' end
  )
from generate_series(1, 1200) as n (number);

create function pg_temp.count_pages() returns text language plpgsql as $$
declare
  v_page jsonb := public.parlant_get_collection('pgtap_save_', 'things', '0.2.0');
  v_seen text[] := '{}';
  v_pages integer := 1;
begin
  loop
    v_seen := v_seen || array(
      select d.value ->> 'id' from jsonb_array_elements(v_page -> 'documents') as d);
    exit when v_page -> 'next' = 'null'::jsonb;
    v_page := pg_temp.save('[]', v_page -> 'next');
    v_pages := v_pages + 1;
  end loop;
  return format(
    '%s pages, %s documents, %s distinct', v_pages, cardinality(v_seen),
    (select count(distinct s.id) from unnest(v_seen) as s (id)));
end;
$$;

select is(
  pg_temp.count_pages(), '3 pages, 1200 documents, 1200 distinct',
  'page follows page until every document was seen once, though nothing was changed'
);

insert into public.pgtap_save_things (data)
values ('{"id": "bare", "x": 1}'), ('{"id": "versed", "version": "2"}');
select is(
  (
    select jsonb_agg(d.value -> 'id')
    from jsonb_array_elements(
      public.parlant_save_loaded_documents(
        'pgtap_save_', 'things',
        '[
          {"id": "bare", "digest": "stale", "outcome": "rejected"},
          {"id": "versed", "digest": "stale", "outcome": "rejected"}
        ]',
        null
      ) -> 'documents'
    ) as d
  ),
  '["bare", "versed"]',
  'a loader that sees every document sees what was changed again, also without a version'
);

-- Refusals.

select
  throws_ok(
    format(
      'select public.parlant_save_loaded_documents(%L, %L, %L)', 'pgtap_save_', 'things',
      jsonb_build_array(
        '{"id": "many1"}'::jsonb || jsonb_build_object('digest', pg_temp.digest('many1')) || r.result
      )
    ),
    r.code, r.message, r.message
  )
from (
  values
  ('{"outcome": "lost"}'::jsonb, 'PD008', 'unknown outcome ''lost'''),
  ('{"data": {}}', 'PD008', 'unknown outcome NULL'),
  ('{"outcome": "changed", "data": [1]}', 'PD002', 'a document must be an object, got array'),
  (
    '{"outcome": "changed", "data": {"x": 1}}',
    'PD002', 'the id of a document must be a string, got no id'
  )
) as r (result, code, message);

select throws_ok(
  $$select public.parlant_save_loaded_documents('pgtap_save_', 'things', '{}')$$,
  'PD008', 'the results must be a list, got object',
  'the results are a list'
);

select throws_ok(
  $$select public.parlant_save_loaded_documents('pgtap_save_', 'nothings', '[]')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_save_'' does not exist',
  'a collection that is not there is an error'
);

select f.line from finish() as f (line);
rollback;
