begin;
create extension if not exists pgtap with schema extensions;
select plan(10);

create table public.pgtap_create_orders (id text primary key, amount integer);
create view public.pgtap_create_view as select 1 as id;

set local role service_role;

select is(
  public.parlant_create_collection('pgtap_create_', 'things'), '{"created": true}'::jsonb,
  'a new collection is created'
);

select has_table('public', t.table_name, t.table_name || ' is there')
from (
  values ('pgtap_create_things'::name), ('pgtap_create_things_failed_migrations')
) as t (table_name);

select is(
  (
    select to_jsonb(c) - 'registered_at'
    from parlant_internal.collections as c
    where c.prefix = 'pgtap_create_'
  ),
  '{"prefix": "pgtap_create_", "collection": "things", "table_name": "pgtap_create_things",
    "failed_table_name": "pgtap_create_things_failed_migrations"}'::jsonb,
  'and registered'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_create_', 'things')$$,
  'PD005', 'collection ''things'' under prefix ''pgtap_create_'' exists',
  'one that is there is refused'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_create_', 'orders')$$,
  'PD007', 'pgtap_create_orders exists and is not a table of parlant-supabase',
  'a table of the user''s own is left alone'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_create_', 'view')$$,
  'PD007', 'pgtap_create_view exists and is not a table of parlant-supabase',
  'so is a view'
);

select throws_ok(
  $$select public.parlant_create_collection('pgtap_create', '_things_failed_migrations')$$,
  'PD006', null,
  'so is the table of failed documents of another collection'
);

select hasnt_table(
  'public', 'pgtap_create_orders_failed_migrations'::name,
  'a refusal leaves nothing behind'
);

reset role;

select is(
  (
    select array_agg(r.rolname order by r.rolname)
    from pg_catalog.pg_class as c
    cross join lateral pg_catalog.aclexplode(c.relacl) as a
    inner join pg_catalog.pg_roles as r on a.grantee = r.oid
    where c.oid = 'public.pgtap_create_things'::regclass and a.privilege_type = 'SELECT'
  ),
  array['postgres', 'service_role']::name[],
  'only its owner and service_role may read the new table'
);

select f.line from finish() as f (line);
rollback;
