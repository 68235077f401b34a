-- What `supabase db push` leaves behind: the private schema, the registry and the tables of the three
-- default stores.
begin;
create extension if not exists pgtap with schema extensions;
select plan(50);

select has_schema('parlant_internal', 'the private schema is there');

select tables_are(
  'parlant_internal',
  array[
    'collections', 'document_shape', 'failed_document_shape', 'opt_ins', 'turns', 'view_sets'
  ],
  'the private schema holds the registries, the shapes, the turns and nothing else'
);

select is(
  (
    select jsonb_object_agg(c.prefix || ' ' || c.collection, array[c.table_name, c.failed_table_name])
    from parlant_internal.collections as c
    where c.prefix in ('parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_')
  ),
  '{
    "parlant_sessions_ metadata":
      ["parlant_sessions_metadata", "parlant_sessions_metadata_failed_migrations"],
    "parlant_sessions_ sessions":
      ["parlant_sessions_", "parlant_sessions__failed_migrations"],
    "parlant_sessions_ events":
      ["parlant_sessions_events", "parlant_sessions_events_failed_migrations"],
    "parlant_customers_ metadata":
      ["parlant_customers_metadata", "parlant_customers_metadata_failed_migrations"],
    "parlant_customers_ customers":
      ["parlant_customers_", "parlant_customers__failed_migrations"],
    "parlant_customers_ customer_tag_associations":
      ["parlant_customers_customer_tag_associations",
       "parlant_customers_customer_tag_associations_failed_migrations"],
    "parlant_context_variables_ metadata":
      ["parlant_context_variables_metadata", "parlant_context_variables_metadata_failed_migrations"],
    "parlant_context_variables_ variables":
      ["parlant_context_variables_", "parlant_context_variables__failed_migrations"],
    "parlant_context_variables_ values":
      ["parlant_context_variables_values", "parlant_context_variables_values_failed_migrations"],
    "parlant_context_variables_ variable_tag_associations":
      ["parlant_context_variables_variable_tag_associations",
       "parlant_context_variables_variable_tag_associations_failed_migr"]
  }'::jsonb,
  'the default stores'' ten collections are registered, names cut at 63 bytes as Postgres cuts them'
);

-- [name, type, collation, whether it may be null] of each column, in order.
create function pg_temp.columns_of(p_table name) returns jsonb
language sql
as $$
  select jsonb_agg(
    jsonb_build_array(
      a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), o.collname, not a.attnotnull
    )
    order by a.attnum
  )
  from pg_catalog.pg_attribute as a
  left join pg_catalog.pg_collation as o on a.attcollation = o.oid
  where
    a.attrelid = pg_catalog.format('public.%I', $1)::regclass
    and a.attnum > 0
    and not a.attisdropped
$$;

select
  is(
    pg_temp.columns_of(c.table_name),
    '[
      ["id", "text", "C", false],
      ["version", "text", "C", false],
      ["creation_utc", "text", "C", false],
      ["session_id", "text", "C", true],
      ["customer_id", "text", "C", true],
      ["agent_id", "text", "C", true],
      ["data", "jsonb", null, false],
      ["seq", "bigint", null, false]
    ]'::jsonb,
    pg_catalog.format('columns, types, collations and nullability of %s', c.table_name)
  )
from parlant_internal.collections as c
where c.prefix in ('parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_')
order by c.table_name;

select
  is(
    pg_temp.columns_of(c.failed_table_name),
    '[
      ["id", "text", "C", true],
      ["data", "jsonb", null, true],
      ["reason", "text", "default", false],
      ["failed_at", "timestamp with time zone", null, false],
      ["seq", "bigint", null, false]
    ]'::jsonb,
    pg_catalog.format('columns, types, collations and nullability of %s', c.failed_table_name)
  )
from parlant_internal.collections as c
where c.prefix in ('parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_')
order by c.table_name;

select
  has_trigger(
    'public', c.table_name, 'derive_columns',
    pg_catalog.format('%s derives its columns', c.table_name)
  )
from parlant_internal.collections as c
where c.prefix in ('parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_')
order by c.table_name;

-- Columns by their names, the order key of a field as "key of <field>".
create temporary view index_keys as
select
  i.indrelid,
  i.indisprimary as is_primary,
  i.indisunique as is_unique,
  array(
    select
      regexp_replace(
        pg_catalog.pg_get_indexdef(i.indexrelid, k.position::integer, true),
        '^COALESCE\(.*?data -> ''([^'']*)''.*$', 'key of \1'
      )
    from pg_catalog.generate_series(1, i.indnkeyatts) as k (position)
    order by k.position
  ) as keys
from pg_catalog.pg_index as i;

select
  set_eq(
    pg_catalog.format(
      'select is_primary, is_unique, keys from index_keys where indrelid = %L::regclass',
      pg_catalog.format('public.%I', e.table_name)
    ),
    e.indexes,
    pg_catalog.format('%s has the indexes that its store''s queries use', e.table_name)
  )
from (
  values
  (
    'parlant_sessions_',
    $$
      values
      (true, true, '{id}'::text[]),
      (false, false, '{creation_utc,id}'),
      (false, false, '{version,seq}'),
      (false, false, '{agent_id,creation_utc,id}'),
      (false, false, '{customer_id,creation_utc,id}')
    $$
  ),
  (
    'parlant_sessions_events',
    $$
      values
      (true, true, '{id}'::text[]),
      (false, false, '{creation_utc,id}'),
      (false, false, '{version,seq}'),
      (false, false, '{session_id,creation_utc,id}')
    $$
  ),
  (
    'parlant_customers_',
    $$
      values
      (true, true, '{id}'::text[]),
      (false, false, '{creation_utc,id}'),
      (false, false, '{version,seq}')
    $$
  ),
  (
    'parlant_customers_customer_tag_associations',
    $$
      values
      (true, true, '{id}'::text[]),
      (false, false, '{creation_utc,id}'),
      (false, false, '{version,seq}'),
      (false, false, array['customer_id', 'key of tag_id']),
      (false, false, array['key of tag_id'])
    $$
  ),
  (
    'parlant_context_variables_values',
    $$
      values
      (true, true, '{id}'::text[]),
      (false, false, '{creation_utc,id}'),
      (false, false, '{version,seq}'),
      (false, false, array['key of variable_id', 'key of key'])
    $$
  )
) as e (table_name, indexes);

select is_empty(
  $$
    select t.table_name
    from parlant_internal.collections as c
    cross join lateral (values (c.table_name), (c.failed_table_name)) as t (table_name)
    inner join pg_catalog.pg_class as r
      on r.oid = pg_catalog.format('public.%I', t.table_name)::regclass
    where not r.relrowsecurity
  $$,
  'row level security is on for every table of a collection'
);

select is_empty(
  $$
    select r.relname
    from pg_catalog.pg_class as r
    where
      r.relnamespace = 'parlant_internal'::regnamespace
      and r.relkind = 'r'
      and not r.relrowsecurity
  $$,
  'row level security is on for every table of the private schema'
);

select is_empty(
  $$
    select p.tablename, p.policyname
    from pg_catalog.pg_policies as p
    left join parlant_internal.collections as c on p.tablename in (c.table_name, c.failed_table_name)
    where p.schemaname = 'parlant_internal' or (p.schemaname = 'public' and c.table_name is not null)
  $$,
  'no table has a policy'
);

select is_empty(
  $$
    select t.table_name
    from parlant_internal.collections as c
    cross join lateral (values (c.table_name), (c.failed_table_name)) as t (table_name)
    where pg_catalog.obj_description(
      pg_catalog.format('public.%I', t.table_name)::regclass, 'pg_class') is null
  $$,
  'every table says in a comment what it holds'
);

-- The derived columns.

insert into public.parlant_sessions_ (data)
values (
  '{"id": "s1", "version": "0.9.0", "creation_utc": "2026-01-01", "session_id": "x",
    "customer_id": "c1", "agent_id": "a1", "mode": "auto"}'
);

select is(
  (
    select to_jsonb(s) - 'data' - 'seq'
    from public.parlant_sessions_ as s
    where s.id = 's1'
  ),
  '{"id": "s1", "version": "0.9.0", "creation_utc": "2026-01-01", "session_id": "x",
    "customer_id": "c1", "agent_id": "a1"}'::jsonb,
  'the columns are derived from data on insert'
);

update public.parlant_sessions_ as s
set data = s.data || '{"id": "s2", "customer_id": "c2", "agent_id": null, "version": 9}'
where s.id = 's1';

select is(
  (
    select to_jsonb(s) - 'data' - 'seq'
    from public.parlant_sessions_ as s
    where s.data ->> 'mode' = 'auto'
  ),
  '{"id": "s2", "version": "", "creation_utc": "2026-01-01", "session_id": "x",
    "customer_id": "c2", "agent_id": null}'::jsonb,
  'and on update: what is no string is empty or null'
);

select throws_ok(
  $$update public.parlant_sessions_ as s set customer_id = 'somebody else' where s.id = 's2'$$,
  'PD002', 'a column that is filled from data cannot be set by itself: customer_id',
  'setting a column by itself is refused'
);

select is(
  (
    select s.customer_id
    from public.parlant_sessions_ as s
    where s.id = 's2'
  ),
  'c2',
  'a column cannot be made to differ from data'
);

select throws_ok(
  $$insert into public.parlant_sessions_ (data) values ('[1]')$$,
  'PD002', 'a document must be an object, got array',
  'a document that is no object is refused'
);

select throws_ok(
  $$insert into public.parlant_sessions_ (data) values (null)$$,
  'PD002', 'a document must be an object, got null',
  'a row without a document is refused'
);

select throws_ok(
  $$insert into public.parlant_sessions_ (data) values ('{"id": 7}')$$,
  'PD002', 'the id of a document must be a string, got number',
  'an id that is no string is refused'
);

select throws_ok(
  $$insert into public.parlant_sessions_ (id, data) values ('s3', '{"mode": "auto"}')$$,
  'PD002', 'the id of a document must be a string, got no id',
  'a document without an id is refused'
);

select f.line from finish() as f (line);
rollback;
