begin;
create extension if not exists pgtap with schema extensions;
select plan(35);

set local role service_role;

select lives_ok(
  $$select public.parlant_create_collection('pgtap_find_', 'things')$$,
  'a collection'
);

-- Inserted in another order than any that they are read in. Two share a time; one has none; ids differ in
-- case; a time without microseconds comes before the same second with them.
insert into public.pgtap_find_things (data)
values
('{"id": "b", "creation_utc": "2026-01-02T00:00:00+00:00", "kind": "x"}'),
('{"id": "a", "creation_utc": "2026-01-02T00:00:00+00:00", "kind": "x"}'),
('{"id": "B", "creation_utc": "2026-01-02T00:00:00+00:00", "kind": "y"}'),
('{"id": "d", "creation_utc": "2026-01-03T00:00:00.000001+00:00", "kind": "x"}'),
('{"id": "c", "creation_utc": "2026-01-03T00:00:00+00:00", "kind": "y"}'),
('{"id": "z", "kind": "x"}');

create function pg_temp.ids(p_page jsonb) returns text language sql as $$
  select coalesce(string_agg(i.value ->> 'id', ' ' order by i.ordinality), '')
  from jsonb_array_elements($1 -> 'items') with ordinality as i
$$;

-- Order.

select is(
  pg_temp.ids(public.parlant_find('pgtap_find_', 'things')), 'z B a b c d',
  'documents are ordered by time and id, by code point'
);

select is(
  pg_temp.ids(public.parlant_find('pgtap_find_', 'things', p_sort_direction => 'desc')),
  'd c b a B z',
  'and the other way round'
);

select is(
  pg_temp.ids(public.parlant_find('pgtap_find_', 'things', '{"kind": {"$eq": "x"}}')), 'z a b d',
  'those that the filter matches'
);

select is(
  public.parlant_find('pgtap_find_', 'things', '{"id": {"$eq": "a"}}'),
  '{"items": [{"id": "a", "creation_utc": "2026-01-02T00:00:00+00:00", "kind": "x"}],
    "total_count": 1, "has_more": false, "next_cursor": null}'::jsonb,
  'the reply holds whole documents'
);

select is(
  public.parlant_find('pgtap_find_', 'things', '{"id": {"$eq": "nobody"}}'),
  '{"items": [], "total_count": 0, "has_more": false, "next_cursor": null}'::jsonb,
  'the reply when nothing matches'
);

-- Pages.

select is(
  public.parlant_find('pgtap_find_', 'things', p_limit => 3) - 'items',
  '{"total_count": 6, "has_more": true,
    "next_cursor": {"creation_utc": "2026-01-02T00:00:00+00:00", "id": "a"}}'::jsonb,
  'a page tells how many match and where the next one begins'
);

select is(
  pg_temp.ids(public.parlant_find('pgtap_find_', 'things', p_limit => 3)), 'z B a',
  'a page holds as many as the limit says'
);

select is(
  public.parlant_find('pgtap_find_', 'things', p_limit => 6) - 'items',
  '{"total_count": 6, "has_more": false, "next_cursor": null}'::jsonb,
  'a limit that is just enough leaves no next page'
);

select is(
  public.parlant_find('pgtap_find_', 'things', p_limit => 0),
  '{"items": [], "total_count": 6, "has_more": true, "next_cursor": null}'::jsonb,
  'a limit of 0 is an empty page'
);

select is(
  public.parlant_find('pgtap_find_', 'things', '{"id": {"$eq": "nobody"}}', 0),
  '{"items": [], "total_count": 0, "has_more": false, "next_cursor": null}'::jsonb,
  'also of nothing'
);

select is(
  jsonb_array_length(
    public.parlant_find('pgtap_find_', 'things', p_limit => 9223372036854775807) -> 'items'
  ),
  6,
  'a limit may be as large as a number gets'
);

select is(
  public.parlant_find('pgtap_find_', 'things', p_limit => 1) -> 'next_cursor',
  '{"creation_utc": "", "id": "z"}'::jsonb,
  'the cursor after a document without a time has an empty one'
);

select is(
  pg_temp.ids(public.parlant_find(
    'pgtap_find_', 'things', p_cursor => '{"creation_utc": "2026-01-02T00:00:00+00:00", "id": "a"}'
  )),
  'b c d',
  'what follows a cursor is strictly after it'
);

select is(
  pg_temp.ids(public.parlant_find(
    'pgtap_find_', 'things', p_cursor => '{"creation_utc": "2026-01-02T00:00:00+00:00", "id": "a"}',
    p_sort_direction => 'desc'
  )),
  'B z',
  'in the direction of the sort'
);

select is(
  pg_temp.ids(public.parlant_find(
    'pgtap_find_', 'things', p_cursor => '{"creation_utc": "2026-01-02T12:00:00+00:00", "id": "nobody"}'
  )),
  'c d',
  'a cursor need not be a document that is there'
);

select is(
  public.parlant_find(
    'pgtap_find_', 'things', '{"$or": [{"kind": {"$eq": "x"}}, {"id": {"$eq": "c"}}]}', 1,
    '{"creation_utc": "2026-01-02T00:00:00+00:00", "id": "a"}'
  ),
  '{"items": [{"id": "b", "creation_utc": "2026-01-02T00:00:00+00:00", "kind": "x"}],
    "total_count": 3, "has_more": true,
    "next_cursor": {"creation_utc": "2026-01-02T00:00:00+00:00", "id": "b"}}'::jsonb,
  'the filter goes on to hold after a cursor, and only what is after it is counted'
);

-- Following the cursors from page to page.
create function pg_temp.walk(p_limit integer, p_direction text) returns text language plpgsql as $$
declare
  v_page jsonb := public.parlant_find('pgtap_find_', 'things', null, p_limit, null, p_direction);
  v_ids text := pg_temp.ids(v_page);
begin
  while (v_page -> 'has_more')::boolean loop
    v_page := public.parlant_find(
      'pgtap_find_', 'things', null, p_limit, v_page -> 'next_cursor', p_direction);
    v_ids := v_ids || ' ' || pg_temp.ids(v_page);
  end loop;
  return v_ids;
end;
$$;

select
  is(
    pg_temp.walk(l.page_size, 'asc'), 'z B a b c d',
    format('pages of %s show each document once', l.page_size)
  )
from generate_series(1, 4) as l (page_size);

select
  is(
    pg_temp.walk(l.page_size, 'desc'), 'd c b a B z',
    format('pages of %s show each document once, descending', l.page_size)
  )
from generate_series(1, 4) as l (page_size);

insert into public.pgtap_find_things (data)
select jsonb_build_object('id', 'many' || n.number, 'kind', 'many')
from generate_series(1, 1500) as n (number);

select is(
  jsonb_array_length(
    public.parlant_find('pgtap_find_', 'things', '{"kind": {"$eq": "many"}}') -> 'items'
  ),
  1500,
  'without a limit all come at once'
);

insert into public.pgtap_find_things (data)
select jsonb_build_object('id', 'more' || n.number, 'kind', 'many')
from generate_series(1, 8510) as n (number);

select
  is(
    public.parlant_find('pgtap_find_', 'things', '{"kind": {"$eq": "many"}}', l.most)
    -> 'total_count',
    l.total, l.reason
  )
from (
  values
  (10, '10010'::jsonb, 'a total that is at most 10,000 more than the limit is counted'),
  (9, '10009', 'counting stops there'),
  (null, '10010', 'what is returned is always counted')
) as l (most, total, reason);

-- Refusals.

select
  throws_ok(
    format('select public.parlant_find(%L, %L, %s)', 'pgtap_find_', 'things', r.arguments),
    r.code, r.message, r.arguments
  )
from (
  values
  ('p_limit => -1', 'PD008', 'the limit must not be negative'),
  ('p_sort_direction => ''up''', 'PD008', 'unknown sort direction ''up'''),
  ('p_cursor => ''{"id": "a"}''', 'PD008', 'a cursor must hold the strings creation_utc and id'),
  (
    'p_cursor => ''{"id": 1, "creation_utc": "2026"}''',
    'PD008', 'a cursor must hold the strings creation_utc and id'
  ),
  ('p_cursor => ''[]''', 'PD008', 'a cursor must hold the strings creation_utc and id')
) as r (arguments, code, message);

select throws_ok(
  $$select public.parlant_find('pgtap_find_', 'nothings')$$,
  'PD004', 'collection ''nothings'' under prefix ''pgtap_find_'' does not exist',
  'a collection that is not there is an error'
);

select f.line from finish() as f (line);
rollback;
