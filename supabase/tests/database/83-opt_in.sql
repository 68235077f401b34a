-- What a role is let in to: functions, tables and views of ours, as far as its access goes, and nothing else.
begin;
create extension if not exists pgtap with schema extensions;
select plan(35);

select public.parlant_open_store('pgtap_x_', '{sessions,events}', '1');
select public.parlant_open_store('pgtap_x_', '{customers,customer_tag_associations}', '1');
select public.parlant_create_views('pgtap_x_', 'pgtap_x_', 'pgtap_x_', 'pgtap_x_');

-- What is not ours, and yet open to service_role.
create table public.pgtap_orders (id text);
create view public.pgtap_orders_view with (security_invoker = true) as
select o.id
from public.pgtap_orders as o;
create function public.pgtap_other() returns void language sql as 'select';
revoke execute on function public.pgtap_other() from public, anon, authenticated;
grant select on public.pgtap_orders, public.pgtap_orders_view to service_role;
grant execute on function public.pgtap_other() to service_role;

create role pgtap_reader nologin noinherit;
create role pgtap_caller nologin noinherit;
create role pgtap_agent nologin noinherit;

create function pg_temp.may_execute(p_role text, p_schema text) returns setof text language sql as $$
  select p.proname::text from pg_catalog.pg_proc as p
  where p.pronamespace = p_schema::regnamespace and has_function_privilege(p_role, p.oid, 'execute')
  and (p_schema = 'parlant_internal' or starts_with(p.proname, 'parlant_') or starts_with(p.proname, 'pgtap_'))
$$;

create function pg_temp.may_select(p_role text) returns setof text language sql as $$
  select c.oid::regclass::text from pg_catalog.pg_class as c
  where c.relnamespace in ('public'::regnamespace, 'parlant_internal'::regnamespace)
  and c.relkind in ('r', 'v') and has_table_privilege(p_role, c.oid, 'select')
$$;

-- Functions that run as whoever calls them, or as their owner.
create function pg_temp.functions(p_schema text, p_as_owner boolean) returns setof text language sql as $$
  select p.proname::text from pg_catalog.pg_proc as p
  where p.pronamespace = p_schema::regnamespace and p.prosecdef = p_as_owner
  and has_function_privilege('service_role', p.oid, 'execute')
  and (p_schema = 'parlant_internal' or starts_with(p.proname, 'parlant_'))
$$;

create function pg_temp.missing(p_role name, p_access text) returns setof text language sql as $$
  select m.statement from parlant_internal.missing_grants(p_role, p_access) as m (statement)
$$;

select
  is_empty(
    format('select * from pg_temp.may_execute(%L, %L)', r.role_name, s.schema_name),
    format('%s may execute nothing in %s yet', r.role_name, s.schema_name)
  )
from (values ('pgtap_reader'), ('pgtap_caller'), ('pgtap_agent')) as r (role_name)
cross join (values ('public'), ('parlant_internal')) as s (schema_name);

select
  lives_ok(
    format('select parlant_internal.opt_in(%L, %L)', o.role_name, o.access), o.role_name || ' is let in'
  )
from (
  values ('pgtap_reader', 'documents'), ('pgtap_caller', 'functions'), ('pgtap_agent', 'agent')
) as o (role_name, access);
select lives_ok(
  $$select parlant_internal.opt_in('pgtap_reader', 'documents')$$, 'a second time changes nothing'
);

-- Functions.

select set_eq(
  $$select * from pg_temp.may_execute('pgtap_reader', 'public')$$,
  array[
    'parlant_get_version', 'parlant_get_collection', 'parlant_find', 'parlant_find_one', 'parlant_insert_one',
    'parlant_update_one', 'parlant_delete_one', 'parlant_execute'
  ],
  'documents: the functions for documents'
);
select set_eq(
  $$select * from pg_temp.may_execute('pgtap_caller', 'public')$$,
  $$select * from pg_temp.functions('public', false)$$,
  'functions: those that run as whoever calls them'
);
select set_eq(
  $$select * from pg_temp.may_execute('pgtap_agent', 'public')$$,
  $$
    select * from pg_temp.functions('public', false)
    union all select * from pg_temp.functions('public', true)
  $$,
  'agent: all that service_role may execute'
);
select
  set_eq(
    format('select * from pg_temp.may_execute(%L, %L)', r.role_name, 'parlant_internal'),
    $$select * from pg_temp.functions('parlant_internal', false)$$,
    r.role_name || ': what those call'
  )
from (values ('pgtap_reader'), ('pgtap_caller')) as r (role_name);
select set_eq(
  $$select * from pg_temp.may_execute('pgtap_agent', 'parlant_internal')$$,
  $$
    select * from pg_temp.functions('parlant_internal', false)
    union all select * from pg_temp.functions('parlant_internal', true)
  $$,
  'agent: what those call'
);

-- Tables and views.

select
  set_eq(
    format('select * from pg_temp.may_select(%L)', r.role_name), r.tables,
    format('%s: %s alone', r.role_name, r.tables)
  )
from (
  values
  ('pgtap_reader', array['parlant_internal.collections']),
  ('pgtap_caller', array['parlant_internal.collections', 'parlant_internal.turns'])
) as r (role_name, tables);

create temporary table for_agent as
select c.oid::regclass::text as relation
from pg_catalog.pg_class as c
where
  c.oid::regclass::text in (
    'parlant_internal.collections', 'parlant_internal.turns', 'parlant_internal.view_sets'
  )
  or (c.relkind = 'v' and parlant_internal.is_our_view(c.oid))
union all
select t.name as relation
from parlant_internal.collections as c
cross join lateral (values (c.table_name), (c.failed_table_name)) as t (name);

select set_eq(
  $$select * from pg_temp.may_select('pgtap_agent')$$, 'select f.relation from for_agent as f',
  'agent: the tables and views of ours, and no others'
);
select is(
  (
    select array_agg(p.privilege order by p.privilege)
    from unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) as p (privilege)
    where has_table_privilege('pgtap_agent', 'public.pgtap_x_sessions_failed_migrations', p.privilege)
  ),
  '{delete,insert,select,update}',
  'agent: documents may be read and written'
);
select is(
  (
    select array_agg(p.privilege order by p.privilege)
    from unnest('{select,insert,update,delete}'::text[]) as p (privilege)
    where has_table_privilege('pgtap_agent', 'parlant_internal.collections', p.privilege)
  ),
  '{select}',
  'agent: the registry may be read'
);

grant usage on schema extensions to pgtap_reader, pgtap_agent;
grant pgtap_reader to postgres;
grant pgtap_agent to postgres;
set local role pgtap_reader;
select ok(
  exists (
    select from parlant_internal.collections as c
    where c.prefix = 'pgtap_x_'
  ),
  'row level security lets readers see the registry'
);
set local role pgtap_agent;
select lives_ok(
  $$select public.parlant_insert_one('pgtap_x_', 'sessions', '{"id": "s1"}')$$,
  'and the agent write documents'
);
select is(
  public.parlant_delete_one('pgtap_x_', 'sessions', '{"id": {"$eq": "s1"}}') -> 'deleted_count', '1'::jsonb,
  'and find them'
);
reset role;

-- What is lacking is granted again, and nothing else.

select
  is_empty(
    format('select * from pg_temp.missing(%L, %L)', o.role_name, o.access), o.role_name || ' lacks nothing'
  )
from (
  values ('pgtap_reader', 'documents'), ('pgtap_caller', 'functions'), ('pgtap_agent', 'agent')
) as o (role_name, access);

revoke usage on schema parlant_internal from pgtap_reader;
revoke execute on function public.parlant_get_version() from pgtap_reader;
revoke execute on function parlant_internal.utc_now() from pgtap_reader;
drop policy "parlant-supabase: pgtap_reader" on parlant_internal.collections;
select set_eq(
  $$select * from pg_temp.missing('pgtap_reader', 'documents')$$,
  array[
    'grant usage on schema parlant_internal to pgtap_reader',
    'grant execute on function public.parlant_get_version() to pgtap_reader',
    'grant execute on function parlant_internal.utc_now() to pgtap_reader',
    'create policy "parlant-supabase: pgtap_reader" on parlant_internal.collections for select'
    || ' to pgtap_reader using (true)'
  ],
  'what a reader lacks'
);
revoke insert, select on public.pgtap_x_events from pgtap_agent;
drop policy "parlant-supabase: pgtap_agent" on public.pgtap_x_sessions;
revoke select on public.pgtap_x_messages from pgtap_agent;
select set_eq(
  $$select * from pg_temp.missing('pgtap_agent', 'agent')$$,
  array[
    'grant select, insert, update, delete on table public.pgtap_x_events to pgtap_agent',
    'create policy "parlant-supabase: pgtap_agent" on public.pgtap_x_sessions for all to pgtap_agent'
    || ' using (true) with check (true)',
    'grant select on table public.pgtap_x_messages to pgtap_agent'
  ],
  'what an agent lacks'
);

insert into parlant_internal.opt_ins (role_name, access) values ('pgtap_gone', 'documents');
select lives_ok('select parlant_internal.apply_opt_ins()', 'roles that are gone are passed over');
select
  is_empty(
    format('select * from pg_temp.missing(%L, %L)', o.role_name, o.access), o.role_name || ' has it all back'
  )
from (values ('pgtap_reader', 'documents'), ('pgtap_agent', 'agent')) as o (role_name, access);

-- Refusals.

select
  throws_ok(
    format('select parlant_internal.opt_in(%L, %L)', o.role_name, o.access), 'PD008', o.message, o.message
  )
from (
  values
  ('pgtap_agent', 'everything', 'unknown access ''everything'''),
  ('pgtap_agent', null, 'unknown access NULL'),
  ('pgtap Gone', 'agent', 'there is no role ''pgtap Gone''')
) as o (role_name, access, message);

select f.line from finish() as f (line);
rollback;
