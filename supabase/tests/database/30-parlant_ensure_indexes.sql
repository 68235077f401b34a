begin;
create extension if not exists pgtap with schema extensions;
select plan(31);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_index_', 'things')$$,
  'a collection'
);

create function pg_temp.ensure(p_indexes jsonb) returns jsonb language sql as $$
  select public.parlant_ensure_indexes('pgtap_index_', 'things', $1)
$$;

-- The keys of the indexes that ensure_indexes has made, those of a unique one after "UNIQUE": columns by
-- their names, the order key of a field as "key of <field>", the key that makes it unique as "values".
create function pg_temp.made() returns setof text language sql as $$
  select regexp_replace(regexp_replace(
    regexp_replace(
      pg_catalog.pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .* USING btree ', '\1'
    ),
    'COALESCE\(\s*CASE jsonb_typeof\(\(data -> ''([^'']*)''::text\)\).*?\sEND, ''null''::jsonb\)',
    'key of \1', 'g'
  ), 'sha256\(.*\)::bytea\)', 'values')
  from pg_catalog.pg_index as i
  inner join pg_catalog.pg_class as c on i.indexrelid = c.oid
  where
    i.indrelid = 'public.pgtap_index_things'::regclass
    and obj_description(c.oid, 'pg_class') like 'parlant-supabase index on %'
$$;

select is(pg_temp.ensure('[]'), '{"created": 0}'::jsonb, 'no indexes are none');

select is(
  pg_temp.ensure('[{"fields": [["session_id", "asc"], ["offset", "desc"]], "unique": false}]'),
  '{"created": 1}'::jsonb,
  'an index is made'
);

select is(
  pg_temp.ensure('[{"fields": [["session_id", "asc"], ["offset", "desc"]], "unique": false}]'),
  '{"created": 0}'::jsonb,
  'once'
);

select bag_eq(
  'select m.keys from pg_temp.made() as m (keys)',
  $$values ('(session_id NULLS FIRST, key of offset DESC)')$$,
  'on the column where the field has one, else on the order key'
);

select is(
  pg_temp.ensure(
    '[{"fields": [["id", "asc"]], "unique": true}, {"fields": [["id", "desc"]]},
      {"fields": [["creation_utc", "asc"], ["id", "asc"]]}]'
  ),
  '{"created": 0}'::jsonb,
  'those that are there from the start are not made again'
);

select is(
  pg_temp.ensure(
    '[{"fields": [["name", "asc"]]}, {"fields": [["name", "desc"]]},
      {"fields": [["name", "asc"]], "unique": true}]'
  ),
  '{"created": 3}'::jsonb,
  'direction and uniqueness make another index'
);

select bag_eq(
  $$select m.keys from pg_temp.made() as m (keys) where m.keys like '%name%'$$,
  $$
    values
    ('(key of name)'),
    ('(key of name DESC)'),
    ('UNIQUE (key of name, values) NULLS NOT DISTINCT')
  $$,
  'each with its own'
);

-- A unique index.

insert into public.pgtap_index_things (data) values ('{"id": "a", "name": "Ann"}');

select throws_ok(
  $$select public.parlant_insert_one('pgtap_index_', 'things', '{"id": "b", "name": "Ann"}')$$,
  '23505', null,
  'a unique index lets no two documents have the same value'
);

select is(
  public.parlant_insert_one('pgtap_index_', 'things', '{"id": "a", "name": "Ann"}') -> 'inserted',
  'false'::jsonb,
  'though the same document may be inserted again'
);

select lives_ok(
  $$
    insert into public.pgtap_index_things (data)
    values ('{"id": "c", "name": "Bob", "kind": "x"}'), ('{"id": "d", "name": "Cem", "kind": "x"}')
  $$,
  'two documents of one kind'
);

select throws_ok(
  $$select public.parlant_ensure_indexes(
    'pgtap_index_', 'things', '[{"fields": [["kind", "asc"]], "unique": true}]')$$,
  '23505', null,
  'so their kind cannot get a unique index'
);

-- Fields with names that have to be quoted.

select is(
  pg_temp.ensure('[{"fields": [["it''s -- \"odd\" %s", "asc"]]}]'), '{"created": 1}'::jsonb,
  'a field may have any name'
);

-- What an index is for: the plans of find and find_one.

insert into public.pgtap_index_things (data)
select jsonb_build_object('id', 'many' || n.number, 'name', 'name' || n.number)
from generate_series(1, 5000) as n (number);

create function pg_temp.plan_of(p_filter jsonb, p_sort jsonb) returns text language plpgsql as $$
declare
  v_line text;
  v_plan text := '';
begin
  for v_line in execute format(
    'explain (costs off) select d.data from public.pgtap_index_things as d where %s order by %s limit 1',
    replace(
      parlant_internal.compile_filter(p_filter), '$1', format('%L::jsonb', p_filter)),
    parlant_internal.compile_sort(p_sort)
  ) loop
    v_plan := v_plan || v_line || E'\n';
  end loop;
  return v_plan;
end;
$$;

reset role;
analyze public.pgtap_index_things;
set local role service_role;

select alike(
  pg_temp.plan_of('{"name": {"$eq": "name17"}}', null), '%Index Cond:%',
  'an equality is looked up in the index'
);

select alike(
  pg_temp.plan_of('{"name": {"$in": ["name17", "name18"]}}', null), '%Index Cond:%',
  'so is a list'
);

select unalike(
  pg_temp.plan_of('{}', '[["name", "desc"]]'), '%Seq Scan%',
  'and a sort reads from it'
);

-- Refusals.

select
  throws_ok(
    format(
      'select public.parlant_ensure_indexes(%L, %L, %L)', 'pgtap_index_', 'things', r.indexes
    ),
    'PD008', r.message, coalesce(r.indexes, 'nothing')
  )
from (
  values
  (null, 'the indexes must be a list, got null'),
  ('{}', 'the indexes must be a list, got object'),
  ('[{}]', 'an index needs a list of at least one field'),
  ('[{"fields": []}]', 'an index needs a list of at least one field'),
  ('[{"fields": ["name"]}]', 'a sort or index field must be a pair of a field name and a direction'),
  (
    '[{"fields": [["name", "up"]]}]',
    'a sort or index field must be a pair of a field name and a direction'
  )
) as r (indexes, message);

select throws_ok(
  $$select public.parlant_ensure_indexes('pgtap_index_', 'nothings', '[]')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_index_'' does not exist',
  'a collection that is not there is an error'
);

-- Unique means equal, as $eq compares.

create function pg_temp.inserted(p_id text, p_values jsonb) returns text language plpgsql as $$
begin
  perform public.parlant_insert_one(
    'pgtap_index_', 'exact', jsonb_build_object('id', p_id) || p_values);
  return 'inserted';
exception when unique_violation then
  return 'refused';
end;
$$;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_index_', 'exact')$$,
  'another collection'
);
select is(
  public.parlant_ensure_indexes(
    'pgtap_index_', 'exact',
    '[{"fields": [["value", "asc"], ["session_id", "desc"]], "unique": true},
      {"fields": [["creation_utc", "asc"]], "unique": true}]'
  ),
  '{"created": 2}'::jsonb,
  'with unique indexes'
);

create temporary table given as
select
  row_number() over () as number,
  v.value
from (
  values
  ('{}'::jsonb),
  ('{"value": 0}'),
  ('{"value": 1}'),
  ('{"value": 10}'),
  ('{"value": 1.05}'),
  ('{"value": -1}'),
  ('{"value": "1"}'), ('{"value": "1.0"}'), ('{"value": "1.00"}'), ('{"value": ""}'), ('{"value": "null"}'),
  ('{"value": true}'), ('{"value": false}'), ('{"value": {}}'), ('{"value": []}'), ('{"value": [[]]}'),
  ('{"value": [1]}'), ('{"value": [[1]]}'), ('{"value": [1, 2]}'), ('{"value": ["1.0"]}'),
  ('{"value": {"a": 1}}'), ('{"value": {"a": 2}}'), ('{"value": {"1.0": 1}}'), ('{"value": {"1": 1}}'),
  ('{"value": "a\"1.0"}'), ('{"value": "a\"1"}'), ('{"value": "\\\\"}'), ('{"value": "\\"}'),
  ('{"value": ["\\", 1.5]}'), ('{"value": "x", "session_id": "s"}'), ('{"value": "x", "session_id": "t"}'),
  ('{"value": "x"}'), ('{"value": "x", "session_id": 1}'), ('{"session_id": "x"}'),
  (jsonb_build_object('value', repeat('long', 25) || 'a')),
  (jsonb_build_object('value', repeat('long', 25) || 'b')),
  (jsonb_build_object('value', repeat('long', 20000))),
  (jsonb_build_object('value', repeat('long', 20000) || '.')),
  (jsonb_build_object('value', jsonb_build_array(repeat('long', 20000))))
) as v (value);

select is_empty(
  $$
    select g.value from given as g
    where pg_temp.inserted(g.number::text, g.value || jsonb_build_object('creation_utc', g.number)) = 'refused'
  $$,
  'different values of any type and length are no duplicates'
);
select is_empty(
  $$
    select g.value from given as g
    where pg_temp.inserted('again', g.value || jsonb_build_object('creation_utc', -g.number)) = 'inserted'
  $$,
  'each of them is there once'
);
select
  is(
    pg_temp.inserted('equal', r.value || '{"creation_utc": "equal"}'),
    'refused',
    r.value::text || ' equals one'
  )
from (
  values
  ('{"value": null}'::jsonb), ('{"value": 1.0}'), ('{"value": [1.00, 2.0]}'),
  ('{"value": "x", "session_id": 1.0}')
) as r (value);

select f.line from finish() as f (line);
rollback;
