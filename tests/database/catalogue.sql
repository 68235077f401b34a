-- Everything that a migration could make or change in a database, one row for each object or property:
-- kind, schema, name within the schema, definition. Two databases that yield the same rows are the same.
with namespaces as (
  select
    n.oid,
    n.nspname
  from pg_catalog.pg_namespace as n
  where
    n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'supabase_migrations')
    and n.nspname not like 'pg\_temp\_%'
    and n.nspname not like 'pg\_toast\_temp\_%'
),

relations as (
  select
    c.*,
    n.nspname
  from pg_catalog.pg_class as c
  inner join namespaces as n on c.relnamespace = n.oid
)

select
  'schema' as kind,
  n.nspname::text as schema_name,
  n.nspname::text as object_name,
  jsonb_build_object(
    'owner', s.nspowner::regrole,
    'acl', array(select a::text from unnest(s.nspacl) as a order by a::text),
    'comment', obj_description(s.oid, 'pg_namespace')
  ) as definition
from namespaces as n
inner join pg_catalog.pg_namespace as s on n.oid = s.oid

union all
select
  'relation',
  r.nspname,
  r.relname,
  jsonb_build_object(
    'kind', r.relkind,
    'owner', r.relowner::regrole,
    'acl', array(select a::text from unnest(r.relacl) as a order by a::text),
    'row level security', array[r.relrowsecurity, r.relforcerowsecurity],
    'options', r.reloptions,
    'view', case when r.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) end,
    'comment', obj_description(r.oid, 'pg_class')
  )
from relations as r

union all
select
  'column',
  r.nspname,
  format('%s.%s', r.relname, a.attname),
  jsonb_build_object(
    'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
    'collation', (select c.collname from pg_catalog.pg_collation as c where c.oid = a.attcollation),
    'not null', a.attnotnull,
    'default', (
      select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
      from pg_catalog.pg_attrdef as d
      where d.adrelid = a.attrelid and d.adnum = a.attnum
    ),
    'identity', a.attidentity,
    'generated', a.attgenerated,
    'position', (
      select count(*)
      from pg_catalog.pg_attribute as b
      where b.attrelid = a.attrelid and b.attnum between 1 and a.attnum and not b.attisdropped
    ),
    'acl', array(select p::text from unnest(a.attacl) as p order by p::text),
    'comment', col_description(a.attrelid, a.attnum)
  )
from relations as r
inner join pg_catalog.pg_attribute as a on r.oid = a.attrelid
where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'v', 'm', 'p', 'f', 'c')

union all
select
  'index',
  r.nspname,
  r.relname,
  jsonb_build_object(
    'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
    'table', i.indrelid::regclass,
    'valid', i.indisvalid
  )
from relations as r
inner join pg_catalog.pg_index as i on r.oid = i.indexrelid

union all
select
  'constraint',
  r.nspname,
  format('%s.%s', r.relname, c.conname),
  to_jsonb(pg_catalog.pg_get_constraintdef(c.oid))
from relations as r
inner join pg_catalog.pg_constraint as c on r.oid = c.conrelid

union all
select
  'trigger',
  r.nspname,
  format('%s.%s', r.relname, t.tgname),
  to_jsonb(pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text)
from relations as r
inner join pg_catalog.pg_trigger as t on r.oid = t.tgrelid
where not t.tgisinternal

union all
select
  'policy',
  p.schemaname,
  format('%s.%s', p.tablename, p.policyname),
  to_jsonb(p)
from pg_catalog.pg_policies as p

union all
select
  'function',
  n.nspname,
  format('%s(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
  jsonb_build_object(
    'definition', case when p.prokind in ('f', 'p') then pg_catalog.pg_get_functiondef(p.oid) end,
    'owner', p.proowner::regrole,
    'acl', array(select a::text from unnest(p.proacl) as a order by a::text),
    'comment', obj_description(p.oid, 'pg_proc')
  )
from pg_catalog.pg_proc as p
inner join namespaces as n on p.pronamespace = n.oid

union all
select
  'type',
  n.nspname,
  t.typname,
  to_jsonb(t.typtype)
from pg_catalog.pg_type as t
inner join namespaces as n on t.typnamespace = n.oid

union all
select
  'role',
  '',
  r.rolname,
  to_jsonb(r) - 'oid' - 'rolpassword' || jsonb_build_object(
    'member of', array(
      select format('%s %s %s', m.roleid::regrole, m.admin_option, m.grantor::regrole)
      from pg_catalog.pg_auth_members as m
      where m.member = r.oid
      order by m.roleid::regrole::text
    )
  )
from pg_catalog.pg_roles as r

union all
select
  'setting',
  '',
  format('%s of %s', d.datname, s.setrole::regrole),
  to_jsonb(s.setconfig)
from pg_catalog.pg_db_role_setting as s
left join pg_catalog.pg_database as d on s.setdatabase = d.oid
where d.datname is null or d.datname = current_database()

union all
select
  'default privileges',
  '',
  format('%s %s %s', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype),
  to_jsonb(d.defaclacl::text)
from pg_catalog.pg_default_acl as d

union all
select
  'extension',
  '',
  e.extname,
  to_jsonb(e.extversion)
from pg_catalog.pg_extension as e

union all
select
  'event trigger',
  '',
  e.evtname,
  jsonb_build_array(e.evtevent, e.evtfoid::regproc, e.evtenabled, e.evttags)
from pg_catalog.pg_event_trigger as e

union all
select
  'publication',
  '',
  p.pubname,
  to_jsonb(p) - 'oid'
from pg_catalog.pg_publication as p;
