-- How a prefix and a collection's name become the name of a table.
begin;
create extension if not exists pgtap with schema extensions;
select plan(28);

set local role service_role;

select
  is(
    parlant_internal.table_name_for(n.prefix, n.collection), n.expected::name,
    format('%s of %s', n.collection, n.prefix)
  )
from (
  values
  ('parlant_sessions_', 'sessions', 'parlant_sessions_'),
  ('parlant_sessions', 'sessions', 'parlant_sessions'),
  ('parlant_sessions___', 'sessions', 'parlant_sessions___'),
  ('parlant_sessions_', 'events', 'parlant_sessions_events'),
  ('parlant_context_variables_', 'variables', 'parlant_context_variables_'),
  ('custom_prefix_', 'metadata', 'custom_prefix_metadata'),
  ('sessions', 'sessions', 'sessions'),
  ('Prefix"; --', 'Odd Name', 'Prefix"; --Odd Name'),
  (repeat('p', 60), 'collection', repeat('p', 60) || 'col'),
  ('é' || repeat('p', 60), 'é', 'é' || repeat('p', 60))
) as n (prefix, collection, expected);

select
  throws_ok(
    format('select parlant_internal.table_name_for(%L, %L)', n.prefix, n.collection),
    'PD006', 'the table prefix and the collection name must not be empty',
    n.description
  )
from (
  values
  ('', 'events', 'an empty prefix'),
  (null, 'events', 'no prefix'),
  ('p_', '', 'an empty collection name'),
  ('p_', null, 'no collection name')
) as n (prefix, collection, description);

-- What a store's prefix is.

select
  is(
    parlant_internal.store_prefix(n.collection, 's_', 'c_', 'v_'), n.expected,
    format('the prefix that %s is under', coalesce(n.collection, 'nothing'))
  )
from (
  values
  ('events', 's_'),
  ('customer_tag_associations', 'c_'),
  ('values', 'v_'),
  ('metadata', null),
  ('others', null)
) as n (collection, expected);

select is(
  parlant_internal.default_prefix('acme_', 'context_variables'), 'acme_context_variables_',
  'the prefix of a store that is given none'
);

-- Two collections never share a table.

select lives_ok(
  $$select public.parlant_create_collection('pgtap_names_', 'events_x')$$,
  'a collection'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_names_events_', 'x')$$,
  'PD006',
  'collection ''x'' under prefix ''pgtap_names_events_'' would share table pgtap_names_events_x with '
  'collection ''events_x'' under prefix ''pgtap_names_''',
  'another that would have the same table'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_names_', 'events_x_failed_migrations')$$,
  'PD006',
  'collection ''events_x_failed_migrations'' under prefix ''pgtap_names_'' would share table '
  'pgtap_names_events_x_failed_migrations with collection ''events_x'' under prefix ''pgtap_names_''',
  'another whose table would be the first one''s table of failed documents'
);

select throws_ok(
  format('select public.parlant_create_collection(%L, %L)', repeat('n', 63), 'x'),
  'PD006', format('table name %s is too long', repeat('n', 63)),
  'a name that leaves no room for the table of failed documents'
);

select lives_ok(
  format('select public.parlant_get_or_create_collection(%L, %L)', 'pgtap "Name''s; ', 'Odd -- $$'),
  'a name that has to be quoted'
);

-- Indexes.

select isnt(
  parlant_internal.index_name(repeat('p', 40) || 'a_', 'things', '[["k", "asc"]]', false),
  parlant_internal.index_name(repeat('p', 40) || 'b_', 'things', '[["k", "asc"]]', false),
  'two prefixes that begin alike have indexes of different names'
);
select isnt(
  parlant_internal.index_name('ab_', 'c', '[["k", "asc"]]', false),
  parlant_internal.index_name('a', 'b_c', '[["k", "asc"]]', false),
  'so do two collections whose prefix and name make the same text'
);
select is(
  (
    select count(distinct parlant_internal.index_name('p_', 'things', i.fields, i.is_unique))
    from (
      values
      ('[["k", "asc"]]'::jsonb, false), ('[["k", "asc"]]', true), ('[["k", "desc"]]', false),
      ('[["l", "asc"]]', false), ('[["k", "asc"], ["l", "asc"]]', false),
      ('[["l", "asc"], ["k", "asc"]]', false)
    ) as i (fields, is_unique)
  ),
  6::bigint,
  'and so does each definition'
);

select f.line from finish() as f (line);
rollback;
