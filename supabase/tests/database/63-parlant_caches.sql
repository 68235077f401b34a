begin;
create extension if not exists pgtap with schema extensions;
select plan(25);

set local role service_role;

select is(
  public.parlant_open_cache('pgtap_k_', '3.3.2'),
  '{"cached_evaluations": {"values": {}, "next": null},
    "cached_embeddings": {"values": {}, "next": null}}'::jsonb,
  'a cache that is opened for the first time is empty'
);
select is(
  public.parlant_save_cached('pgtap_k_', 'cached_evaluations', '3.3.2', '{"a": "one", "b": "two"}'),
  '{"saved": 2}'::jsonb,
  'values are stored'
);
select is(
  public.parlant_save_cached('pgtap_k_', 'cached_evaluations', '3.3.2', '{"b": "three"}'),
  '{"saved": 1}'::jsonb,
  'a value takes the place of the one with its id'
);
select is(
  public.parlant_open_cache('pgtap_k_', '3.3.2') -> 'cached_evaluations',
  '{"values": {"a": "one", "b": "three"}, "next": null}'::jsonb,
  'opening the cache again reads them'
);
select is(
  public.parlant_open_cache('pgtap_k_', '3.4.0') #> '{cached_evaluations,values}',
  '{}'::jsonb,
  'but not those of another version'
);
select is(
  public.parlant_list_cached('pgtap_k_', 'cached_evaluations', '3.3.2', null, '{b,c}'),
  '{"values": {"b": "three"}, "next": null}'::jsonb,
  'values are read by their ids'
);
select is(
  public.parlant_list_cached('pgtap_k_', 'cached_evaluations', '3.4.0', null, '{b}') -> 'values',
  '{}'::jsonb,
  'of the version that is asked for'
);
select throws_ok(
  $$select public.parlant_save_cached('pgtap_k_', 'cached_evaluations', '3.3.2', '{"a": 1}')$$,
  'PD008',
  'the values must be an object of texts',
  'a value is a text'
);
select throws_ok(
  $$select public.parlant_save_cached('pgtap_k_', 'cached_evaluations', '3.3.2', null)$$,
  'PD008',
  'the values must be an object of texts',
  'and there are some'
);

-- Pages.
select is(
  public.parlant_save_cached(
    'pgtap_k_', 'cached_embeddings', '3.3.2',
    (
      select jsonb_object_agg(to_char(n, 'fm00'), repeat('x', 1500000)) from generate_series(1, 5) as n
    )
  ),
  '{"saved": 5}'::jsonb,
  'values of 7.5 MB'
);
update public.pgtap_k_cached_embeddings
set data = data || jsonb_build_object('last_used_utc', '2026-01-0' || right(id, 1) || 'T00:00:00+00:00');
create temporary table page as
select public.parlant_open_cache('pgtap_k_', '3.3.2') -> 'cached_embeddings' as reply;
select is(
  array(select jsonb_object_keys(p.reply -> 'values') from page as p),
  '{03,04,05}'::text[],
  'the first page ends past 4 MB, and has what was used last'
);
select is(
  array(
    select
      jsonb_object_keys(
        public.parlant_list_cached('pgtap_k_', 'cached_embeddings', '3.3.2', p.reply -> 'next') -> 'values'
      )
    from page as p
  ),
  '{01,02}'::text[],
  'the next page has the rest'
);

-- Use.
update public.pgtap_k_cached_evaluations
set data = data || '{"last_used_utc": "2026-01-01T00:00:00+00:00"}';
select is(
  public.parlant_record_cache_use('pgtap_k_', 'cached_evaluations', '{a,c}', 3, 1),
  '{"touched": 1}'::jsonb,
  'the use of an entry is recorded'
);
select is(
  public.parlant_record_cache_use('pgtap_k_', 'cached_evaluations', '{a}', 2, 0),
  '{"touched": 0}'::jsonb,
  'once a day'
);
select is(
  (
    select array_agg(d.id order by d.data ->> 'last_used_utc') from public.pgtap_k_cached_evaluations as d
  ),
  '{b,a}'::text[],
  'and no other''s'
);
select is(
  (
    select c.value - '{bytes,since}'::text[]
    from jsonb_array_elements(public.parlant_describe_caches('pgtap_k_', '2026-02-01') -> 'caches') as c
    where c.value ->> 'collection' = 'cached_evaluations'
  ),
  '{"prefix": "pgtap_k_", "collection": "cached_evaluations", "table": "pgtap_k_cached_evaluations",
    "entries": 2, "unused": 1, "hits": 5, "misses": 1}'::jsonb,
  'hits and misses add up'
);
select is(
  (
    select array_agg(c.value ->> 'collection')
    from jsonb_array_elements(public.parlant_describe_caches() -> 'caches') as c
    where c.value ->> 'prefix' = 'pgtap_k_' and (c.value ->> 'bytes')::bigint > 0
  ),
  '{cached_evaluations,cached_embeddings}'::text[],
  'each collection has a size'
);

-- Expiry.
select is(
  public.parlant_expire_cache('pgtap_k_', '2026-01-01', 1),
  '{"erased": {}, "done": true}'::jsonb,
  'what was used at that time stays'
);
select is(
  public.parlant_expire_cache('pgtap_k_', '2026-01-03', 1),
  '{"erased": {"pgtap_k_cached_embeddings": 1}, "done": false}'::jsonb,
  'at most as many as allowed are erased'
);
select is(
  public.parlant_expire_cache('pgtap_k_', '2026-01-03'),
  '{"erased": {"pgtap_k_cached_embeddings": 1, "pgtap_k_cached_evaluations": 1}, "done": true}'::jsonb,
  'then the rest'
);
select is(
  (
    select array_agg(d.id order by d.id) from public.pgtap_k_cached_embeddings as d
  ),
  '{03,04,05}'::text[],
  'and nothing else'
);
select is(
  public.parlant_expire_cache('pgtap_nothing_', now()),
  '{"erased": {}, "done": true}'::jsonb,
  'where there is no cache nothing is erased'
);
select throws_ok(
  $$select public.parlant_expire_cache('pgtap_k_', now(), 0)$$,
  'PD008',
  'the limit must be between 1 and 50000 rows, got 0',
  'a limit is a number of rows'
);

select throws_ok(
  $$select public.parlant_save_cached('pgtap_k_', 'cache_statistics', '3.3.2', '{}')$$,
  'PD008',
  'collection ''cache_statistics'' holds no cached values',
  'statistics are not written like values'
);
select throws_ok(
  $$select public.parlant_list_cached('pgtap_nothing_', 'cached_embeddings', '3.3.2')$$,
  'PD004',
  null,
  'a cache is opened before it is read'
);

select f.line from finish() as f (line);
rollback;
