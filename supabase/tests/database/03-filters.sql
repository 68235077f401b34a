-- The filter compiler: what each operator matches, what is refused and how, and what the predicates look
-- like that an index is to answer.
begin;
create extension if not exists pgtap with schema extensions;
select plan(157);

set local role service_role;
select lives_ok(
  $$select public.parlant_create_collection('pgtap_filters_', 'things')$$,
  'a collection to filter'
);

insert into public.pgtap_filters_things (data)
select jsonb_build_object('id', d.id, 'creation_utc', '2026-01-01T00:00:00+00:00') || d.fields
from (
  values
  ('absent', '{}'::jsonb),
  ('array1', '{"v": [1]}'),
  ('empty', '{"v": ""}'),
  ('false', '{"v": false}'),
  ('float1', '{"v": 1.0}'),
  ('int1', '{"v": 1}'),
  ('minus', '{"v": -5}'),
  ('nine', '{"v": 9}'),
  ('null', '{"v": null}'),
  ('object', '{"v": {"k": 1}}'),
  ('text1', '{"v": "1"}'),
  ('textA', '{"v": "A"}'),
  ('textZ', '{"v": "Z"}'),
  ('texta', '{"v": "a"}'),
  ('texte', '{"v": "é"}'),
  ('ten', '{"v": 10}'),
  ('true', '{"v": true}'),
  ('s1', '{"session_id": "one", "version": "0.1.0"}'),
  ('s2', '{"session_id": "two", "version": "0.2.0"}'),
  ('s3', '{"session_id": 3, "version": 2}'),
  ('long1', jsonb_build_object('t', repeat('x', 100) || 'a')),
  ('long2', jsonb_build_object('t', repeat('x', 100) || 'b')),
  (
    'odd',
    '{"it''s": 1, "a.b": 2, "%s": 3, "back\\slash": 4, "{}": 5, "0": 6, "": 7, "quo\"te": 8, "$where": 9}'
  )
) as d (id, fields);

-- The ids that a filter matches, in their order; of the documents that have v, unless said otherwise.
create function pg_temp.matches(
  p_filter jsonb, p_ids text default 'array1|empty|false|float1|int1|minus|nine|null|object|te.*|true|absent'
)
returns text
language sql
as $$
  select coalesce(string_agg(i.value ->> 'id', ' ' order by i.ordinality), '')
  from jsonb_array_elements(
    public.parlant_find('pgtap_filters_', 'things', $1) -> 'items'
  ) with ordinality as i
  where i.value ->> 'id' ~ ('^(' || $2 || ')$')
$$;

-- Operators on a field of any type.

select is(pg_temp.matches(f.filter), f.expected, f.filter::text)
from (
  values
  ('{"v": {"$eq": 1}}'::jsonb, 'float1 int1'),
  ('{"v": {"$eq": 1.0}}', 'float1 int1'),
  ('{"v": {"$eq": "1"}}', 'text1'),
  ('{"v": {"$eq": ""}}', 'empty'),
  ('{"v": {"$eq": "a"}}', 'texta'),
  ('{"v": {"$eq": true}}', 'true'),
  ('{"v": {"$eq": false}}', 'false'),
  ('{"v": {"$eq": null}}', 'absent null'),
  ('{"v": {"$eq": [1]}}', 'array1'),
  ('{"v": {"$eq": [2]}}', ''),
  ('{"v": {"$eq": {"k": 1}}}', 'object'),
  ('{"v": {"$eq": {"k": 2}}}', ''),

  (
    '{"v": {"$ne": 1}}',
    'absent array1 empty false minus nine null object ten text1 textA textZ texta texte true'
  ),
  (
    '{"v": {"$ne": "a"}}',
    'absent array1 empty false float1 int1 minus nine null object ten text1 textA textZ texte true'
  ),
  (
    '{"v": {"$ne": null}}',
    'array1 empty false float1 int1 minus nine object ten text1 textA textZ texta texte true'
  ),
  (
    '{"v": {"$ne": true}}',
    'absent array1 empty false float1 int1 minus nine null object ten text1 textA textZ texta texte'
  ),
  (
    '{"v": {"$ne": [1]}}',
    'absent empty false float1 int1 minus nine null object ten text1 textA textZ texta texte true'
  ),

  ('{"v": {"$gt": 1}}', 'nine ten'),
  ('{"v": {"$gte": 1}}', 'float1 int1 nine ten'),
  ('{"v": {"$lt": 9.5}}', 'float1 int1 minus nine'),
  ('{"v": {"$lt": 1}}', 'minus'),
  ('{"v": {"$lte": 1}}', 'float1 int1 minus'),
  ('{"v": {"$gt": "A"}}', 'textZ texta texte'),
  ('{"v": {"$gte": "A"}}', 'textA textZ texta texte'),
  ('{"v": {"$lt": "a"}}', 'empty text1 textA textZ'),
  ('{"v": {"$lte": "a"}}', 'empty text1 textA textZ texta'),
  ('{"v": {"$gt": ""}}', 'text1 textA textZ texta texte'),
  ('{"v": {"$gt": false}}', 'true'),
  ('{"v": {"$gte": false}}', 'false true'),
  ('{"v": {"$lt": true}}', 'false'),
  ('{"v": {"$lte": false}}', 'false'),
  ('{"v": {"$gt": null}}', ''),
  ('{"v": {"$gte": null}}', ''),
  ('{"v": {"$lt": null}}', ''),
  ('{"v": {"$lte": null}}', ''),

  ('{"v": {"$in": [1, "a", true]}}', 'float1 int1 texta true'),
  ('{"v": {"$in": [null]}}', 'absent null'),
  ('{"v": {"$in": [[1], {"k": 1}]}}', 'array1 object'),
  ('{"v": {"$in": [[2]]}}', ''),
  ('{"v": {"$in": []}}', ''),
  (
    '{"v": {"$nin": [1, "a", true]}}',
    'absent array1 empty false minus nine null object ten text1 textA textZ texte'
  ),
  (
    '{"v": {"$nin": [null]}}',
    'array1 empty false float1 int1 minus nine object ten text1 textA textZ texta texte true'
  ),
  (
    '{"v": {"$nin": [[1]]}}',
    'absent empty false float1 int1 minus nine null object ten text1 textA textZ texta texte true'
  ),
  (
    '{"v": {"$nin": []}}',
    'absent array1 empty false float1 int1 minus nine null object ten text1 textA textZ texta texte true'
  )
) as f (filter, expected);

-- Operators on a field that has a column.

select is(pg_temp.matches(f.filter, 's.'), f.expected, f.filter::text)
from (
  values
  ('{"session_id": {"$eq": "one"}}'::jsonb, 's1'),
  ('{"session_id": {"$eq": 3}}', 's3'),
  ('{"session_id": {"$ne": "one"}}', 's2 s3'),
  ('{"session_id": {"$gt": "one"}}', 's2'),
  ('{"session_id": {"$gte": "one"}}', 's1 s2'),
  ('{"session_id": {"$lt": "two"}}', 's1'),
  ('{"session_id": {"$lte": "two"}}', 's1 s2'),
  ('{"session_id": {"$gte": 3}}', 's3'),
  ('{"session_id": {"$in": ["one", "three"]}}', 's1'),
  ('{"session_id": {"$in": ["one", 3]}}', 's1 s3'),
  ('{"session_id": {"$nin": ["one"]}}', 's2 s3'),
  ('{"session_id": {"$nin": ["one", 3]}}', 's2'),
  ('{"agent_id": {"$eq": null}}', 's1 s2 s3'),
  ('{"agent_id": {"$ne": "x"}}', 's1 s2 s3'),
  ('{"agent_id": {"$nin": ["x"]}}', 's1 s2 s3'),
  ('{"id": {"$in": ["s3", "s1"]}}', 's1 s3'),
  ('{"id": {"$gt": "s1"}}', 's2 s3'),
  ('{"version": {"$eq": "0.1.0"}}', 's1'),
  ('{"version": {"$eq": ""}}', ''),
  ('{"version": {"$eq": 2}}', 's3'),
  ('{"version": {"$ne": "0.1.0"}}', 's2 s3'),
  ('{"version": {"$lt": "0.2.0"}}', 's1'),
  ('{"version": {"$in": ["0.1.0", "0.2.0"]}}', 's1 s2'),
  ('{"creation_utc": {"$gte": "2026"}}', 's1 s2 s3'),
  ('{"creation_utc": {"$lt": "2026"}}', '')
) as f (filter, expected);

-- Strings that are equal in the first hundred characters.

select is(pg_temp.matches(f.filter, 'long.'), f.expected, f.description)
from (
  values
  (jsonb_build_object('t', jsonb_build_object('$eq', repeat('x', 100) || 'a')), 'long1', 'long $eq'),
  (jsonb_build_object('t', jsonb_build_object('$ne', repeat('x', 100) || 'a')), 'long2', 'long $ne'),
  (jsonb_build_object('t', jsonb_build_object('$gt', repeat('x', 100) || 'a')), 'long2', 'long $gt'),
  (jsonb_build_object('t', jsonb_build_object('$lte', repeat('x', 100) || 'a')), 'long1', 'long $lte'),
  (jsonb_build_object('t', jsonb_build_object('$gt', repeat('x', 100))), 'long1 long2', 'at the limit $gt'),
  (jsonb_build_object('t', jsonb_build_object('$eq', repeat('x', 100))), '', 'at the limit $eq'),
  (
    jsonb_build_object('t', jsonb_build_object('$in', jsonb_build_array(repeat('x', 100) || 'b'))),
    'long2', 'long $in'
  ),
  (
    jsonb_build_object('t', jsonb_build_object('$nin', jsonb_build_array(repeat('x', 100) || 'b'))),
    'long1', 'long $nin'
  )
) as f (filter, expected, description);

-- A field name is a top-level key and nothing else, whatever it looks like.

select is(pg_temp.matches(f.filter, 'odd'), 'odd', f.filter::text)
from (
  values
  ('{"it''s": {"$eq": 1}}'::jsonb),
  ('{"a.b": {"$eq": 2}}'),
  ('{"%s": {"$in": [3, 4]}}'),
  ('{"back\\slash": {"$gte": 4}}'),
  ('{"{}": {"$ne": 4}}'),
  ('{"0": {"$eq": 6}}'),
  ('{"": {"$eq": 7}}'),
  ('{"quo\"te": {"$eq": 8}}'),
  ('{"$where": {"$eq": 9}}'),
  ('{"''; drop table public.parlant_sessions_; --": {"$eq": null}}')
) as f (filter);

-- Logic.

select is(pg_temp.matches(f.filter), f.expected, f.filter::text)
from (
  values
  ('{"v": {"$gt": 1, "$lt": 10}}'::jsonb, 'nine'),
  ('{"v": {"$gt": 1}, "id": {"$ne": "nine"}}', 'ten'),
  ('{"$and": [{"v": {"$gt": 1}}, {"v": {"$lt": 10}}]}', 'nine'),
  ('{"$or": [{"v": {"$gt": 9}}, {"v": {"$eq": "a"}}]}', 'ten texta'),
  ('{"$or": [{"id": {"$eq": "nine"}}, {"id": {"$eq": "ten"}}]}', 'nine ten'),
  ('{"$or": [{"v": {"$eq": 9}}, {"v": {"$eq": 10}}, {"v": {"$eq": null}}]}', 'absent nine null ten'),
  ('{"$and": [{"v": {"$ne": 9}}, {"v": {"$ne": 10}}], "v": {"$gt": 1}}', ''),
  ('{"$and": [{"id": {"$ne": "nine"}}, {"id": {"$ne": "int1"}}], "v": {"$gte": 1}}', 'float1 ten'),
  (
    '{"$or": [{"v": {"$eq": 9}, "id": {"$eq": "nine"}}, {"v": {"$eq": 9}, "id": {"$eq": "ten"}}]}',
    'nine'
  ),
  ('{"$or": [{"v": {"$eq": 9, "$gt": 9}}, {"v": {"$eq": 10, "$gt": 9}}]}', 'ten'),
  (
    '{"$and": [{"v": {"$ne": 9}, "id": {"$gt": "m"}}, {"v": {"$ne": 10}, "id": {"$gt": "m"}}],
      "v": {"$gt": 0}}',
    ''
  ),
  ('{"$and": [{"$or": [{"v": {"$eq": 9}}, {"v": {"$eq": 10}}]}, {"id": {"$eq": "ten"}}]}', 'ten'),
  ('{"$or": [], "v": {"$eq": 9}}', ''),
  ('{"$and": [], "v": {"$eq": 9}}', 'nine'),
  ('{"$or": [{}], "v": {"$eq": 9}}', 'nine'),
  ('{"$or": [{"v": {}}], "v": {"$eq": 9}}', 'nine'),
  ('{"v": {}, "id": {"$eq": "absent"}}', 'absent')
) as f (filter, expected);

-- Refusals name the place inside the filter.

select
  throws_ok(
    format('select public.parlant_find(%L, %L, %L)', 'pgtap_filters_', 'things', f.filter),
    'PD001', f.message, f.filter
  )
from (
  values
  ('null', 'invalid filter at filter: expected an object, got null'),
  ('[]', 'invalid filter at filter: expected an object, got array'),
  ('"v"', 'invalid filter at filter: expected an object, got string'),
  ('{"v": 1}', 'invalid filter at filter["v"]: expected operators, got number'),
  ('{"v": null}', 'invalid filter at filter["v"]: expected operators, got null'),
  ('{"v": {"eq": 1}}', 'invalid filter at filter["v"]["eq"]: unknown operator'),
  ('{"v": {"$like": "a%"}}', 'invalid filter at filter["v"]["$like"]: unknown operator'),
  ('{"v": {"$not": {"$eq": 1}}}', 'invalid filter at filter["v"]["$not"]: unknown operator'),
  ('{"$not": {"v": {"$eq": 1}}}', 'invalid filter at filter["$not"]["v"]: unknown operator'),
  ('{"$nor": [{"v": {"$eq": 1}}]}', 'invalid filter at filter["$nor"]: unknown operator'),
  ('{"$or": [{"$where": 1}]}', 'invalid filter at filter["$or"][0]["$where"]: unknown operator'),
  ('{"v": {"$in": "a"}}', 'invalid filter at filter["v"]["$in"]: $in expects a list, got string'),
  ('{"v": {"$nin": {"k": 1}}}', 'invalid filter at filter["v"]["$nin"]: $nin expects a list, got object'),
  ('{"v": {"$gt": [1]}}', 'invalid filter at filter["v"]["$gt"]: $gt cannot compare with array'),
  ('{"v": {"$lte": {"k": 1}}}', 'invalid filter at filter["v"]["$lte"]: $lte cannot compare with object'),
  ('{"$and": {}}', 'invalid filter at filter["$and"]: $and expects a list of filters, got object'),
  ('{"$or": null}', 'invalid filter at filter["$or"]: $or expects a list of filters, got null'),
  ('{"$or": [1]}', 'invalid filter at filter["$or"][0]: expected an object, got number'),
  (
    '{"$and": [{}, {"$or": [{"v": {"$eq": 1}}, {"it''s": {"$x": 1}}]}]}',
    'invalid filter at filter["$and"][1]["$or"][1]["it''s"]["$x"]: unknown operator'
  )
) as f (filter, message);

select throws_ok(
  format(
    'select public.parlant_find(%L, %L, %L)', 'pgtap_filters_', 'things',
    repeat('{"$and": [', 102) || '{}' || repeat(']}', 102)
  ),
  'PD001', 'invalid filter at filter["$and"][0]["$and"][0]: nested deeper than 100 levels',
  'a filter that is nested without end is refused'
);

select lives_ok(
  format(
    'select public.parlant_find(%L, %L, %L)', 'pgtap_filters_', 'things',
    repeat('{"$and": [', 100) || '{}' || repeat(']}', 100)
  ),
  'a filter that is nested a hundred deep is not'
);

-- The predicates.

select
  unalike(
    parlant_internal.compile_filter(f.filter), '%secret%',
    format('no value of the filter stands in the predicate of %s', f.filter)
  )
from (
  values
  ('{"v": {"$eq": "secret"}, "id": {"$eq": "secret"}}'::jsonb),
  ('{"v": {"$in": ["secret", ["secret"]]}, "id": {"$nin": ["secret"]}}'),
  ('{"v": {"$gt": "secret"}, "version": {"$lt": "secret"}}'),
  ('{"$or": [{"v": {"$eq": "secret"}}, {"v": {"$eq": "secret2"}}]}')
) as f (filter);

select alike(parlant_internal.compile_filter(f.filter), f.pattern, f.description)
from (
  values
  (
    '{"$or": [{"id": {"$eq": "a"}}, {"id": {"$eq": "b"}}]}'::jsonb, '%d.id = any (%',
    '$or of $eq on one field is one comparison with an array'
  ),
  (
    '{"$and": [{"id": {"$ne": "a"}}, {"id": {"$ne": "b"}}]}', '%d.id <> all (%',
    '$and of $ne on one field is one comparison with an array'
  ),
  (
    '{"$or": [{"v": {"$eq": 1}, "id": {"$eq": "a"}}, {"v": {"$eq": 1}, "id": {"$eq": "b"}}]}',
    '%(d.data -> ''v'')%d.id = any (parlant_internal.text_elements(%',
    'what all members of an $or have in common is taken out of it'
  )
) as f (filter, pattern, description);

-- Strings of 100 characters and more, of which the order key knows 100.

insert into public.pgtap_filters_things (data)
values
(jsonb_build_object('id', 'long0', 't', repeat('x', 100))),
(jsonb_build_object('id', 'longB', 't', repeat('x', 100) || 'B'));

select is(pg_temp.matches(jsonb_build_object('t', f.condition), 'long.'), f.ids, f.condition::text)
from (
  values
  (jsonb_build_object('$eq', repeat('x', 100)), 'long0'),
  (jsonb_build_object('$in', jsonb_build_array(repeat('x', 100))), 'long0'),
  (jsonb_build_object('$lt', repeat('x', 100) || 'a'), 'long0 longB'),
  (jsonb_build_object('$gt', repeat('x', 100) || 'B'), 'long1 long2')
) as f (condition, ids);

-- A filter of many conditions compares the values themselves, and matches the same documents.

create function pg_temp.differences() returns text[] language plpgsql as $$
declare
  v_filter jsonb;
  v_ids text[];
  v_other_ids text[];
  v_differences text[] := '{}';
begin
  for v_filter in
    select jsonb_build_object(f.field, jsonb_build_object(o.operator, case
      when o.operator in ('$in', '$nin') then jsonb_build_array(v.value, 'x') else v.value end))
    from unnest('{v,t,id,version,session_id,creation_utc}'::text[]) as f (field)
    cross join unnest('{$eq,$ne,$gt,$gte,$lt,$lte,$in,$nin}'::text[]) as o (operator)
    cross join jsonb_array_elements(
      '[null, true, false, 0, 1, 9.5, "", "1", "Z", "a", "\u00e9", "one", "0.1.0", [1], {"k": 1}]'
      || to_jsonb(array[repeat('x', 100), repeat('x', 100) || 'a'])
    ) as v (value)
    where not (o.operator in ('$gt', '$gte', '$lt', '$lte') and jsonb_typeof(v.value) in ('array', 'object'))
  loop
    execute 'select array_agg(d.id order by d.id) from public.pgtap_filters_things as d where '
      || parlant_internal.compile_filter(v_filter)
    into v_ids using v_filter;
    execute 'select array_agg(d.id order by d.id) from public.pgtap_filters_things as d where '
      || parlant_internal.compile_filter(v_filter, p_indexable => false)
    into v_other_ids using v_filter;

    if v_ids is distinct from v_other_ids then
      v_differences := v_differences || v_filter::text;
    end if;
  end loop;

  return v_differences;
end;
$$;

select is(pg_temp.differences(), '{}', 'with many conditions a filter matches what it matches by itself');
select unalike(
  parlant_internal.compile_filter(
    (
      select jsonb_object_agg('f' || n.number, '{"$ne": 1}'::jsonb || jsonb_build_object('$gt', n.number))
      from generate_series(1, 50) as n (number)
    )
  ),
  '%encode(%', 'and computes no order keys'
);

-- Limits.

create function pg_temp.conditions(p_characters integer) returns jsonb language sql as $$
  select jsonb_build_object('$or', jsonb_agg(
    jsonb_build_object('f' || repeat('x', p_characters) || n.number, jsonb_build_object('$gt', n.number))
  ))
  from generate_series(1, 3) as n (number)
$$;

select lives_ok(
  $$select parlant_internal.compile_filter(pg_temp.conditions(10000))$$, 'a long filter'
);
select throws_like(
  $$select parlant_internal.compile_filter(pg_temp.conditions(400000))$$, '%too many conditions%',
  'a filter that is too long to plan'
);

create function pg_temp.sort(p_fields integer) returns jsonb language sql as $$
  select jsonb_agg(jsonb_build_array('f' || n.number, 'asc')) from generate_series(1, p_fields) as n (number)
$$;

select lives_ok($$select parlant_internal.compile_sort(pg_temp.sort(32))$$, 'a sort by 32 fields');
select throws_ok(
  $$select parlant_internal.compile_sort(pg_temp.sort(33))$$, 'PD008', 'the sort names more than 32 fields',
  'a sort by 33'
);
select is(
  array[parlant_internal.compile_filter(null), parlant_internal.compile_sort(null)],
  '{true,"d.seq, d.id"}', 'neither filter nor sort'
);

-- Conditions say no more than is needed: columns that an index knows, and whole values where keys are short.

create function pg_temp.compiled(p_filter jsonb) returns text language sql as $$
  select parlant_internal.compile_filter($1)
$$;

select matches(pg_temp.compiled(f.filter), f.pattern, f.filter::text || ' uses ' || f.pattern)
from (
  values
  ('{"session_id": {"$eq": "x"}}'::jsonb, '^d.session_id = '),
  ('{"creation_utc": {"$eq": "x"}}', ' and d.creation_utc = '),
  ('{"session_id": {"$gt": "x"}}', '^d.session_id > '),
  ('{"creation_utc": {"$gt": "x"}}', ' and d.creation_utc > ')
) as f (filter, pattern);

select
  doesnt_match(
    pg_temp.compiled(f.filter), f.pattern, left(f.filter::text, 50) || ' does without ' || f.pattern
  )
from (
  values
  ('{"creation_utc": {"$eq": 1}}'::jsonb, 'd.creation_utc'),
  ('{"creation_utc": {"$ne": "x"}}', 'd.creation_utc'),
  ('{"v": {"$eq": "x"}}', 'coalesce\(d.data -> ''v'', ''null''::jsonb\) = '),
  (
    jsonb_build_object('v', jsonb_build_object('$eq', repeat('x', 99))),
    'coalesce\(d.data -> ''v'', ''null''::jsonb\) = '
  ),
  ('{"v": {"$in": ["x", 1]}}', 'json_elements'),
  (
    jsonb_build_object('v', jsonb_build_object('$in', jsonb_build_array(1, repeat('x', 99)))),
    'json_elements'
  )
) as f (filter, pattern);

select is(parlant_internal.compile_sort(s.sort), s.expected, s.sort::text)
from (
  values
  ('[["id", "desc"]]'::jsonb, 'id desc, d.seq, d.id'),
  (
    '[["session_id", "asc"]]',
    parlant_internal.order_term('session_id', 'asc')
    || ', (' || parlant_internal.order_key('data -> ''session_id''') || ') asc, d.seq, d.id'
  ),
  (
    '[["v", "desc"]]',
    parlant_internal.order_term('v', 'desc')
    || ', (case jsonb_typeof(data -> ''v'') when ''string'' then data ->> ''v'' end)'
    || ' collate "C" desc, d.seq, d.id'
  )
) as s (sort, expected);

select f.line from finish() as f (line);
rollback;
