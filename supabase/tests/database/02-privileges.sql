-- Who may do what: service_role calls the api functions and reads and writes documents; anon, authenticated
-- and a role of the user's own may do nothing at all.
begin;
create extension if not exists pgtap with schema extensions;
select plan(335);

create role parlant_test_user nologin noinherit;
grant parlant_test_user to postgres;
grant usage on schema extensions to parlant_test_user;

-- By the catalogue, for every function and every table of ours.

create temporary view our_functions as
select
  p.oid as function_oid,
  p.proname as function_name,
  p.pronamespace::regnamespace::text as schema_name
from pg_catalog.pg_proc as p
where
  p.pronamespace = 'parlant_internal'::regnamespace
  or (p.pronamespace = 'public'::regnamespace and starts_with(p.proname, 'parlant_'));

create temporary view our_tables as
select pg_catalog.format('%I.%I', 'public', t.table_name) as table_name
from parlant_internal.collections as c
cross join lateral (values (c.table_name), (c.failed_table_name)) as t (table_name)
union all
select pg_catalog.format('%I.%I', 'parlant_internal', r.relname) as table_name
from pg_catalog.pg_class as r
where r.relnamespace = 'parlant_internal'::regnamespace and r.relkind = 'r';

select
  is_empty(
    pg_catalog.format(
      $$
        select f.schema_name, f.function_name
        from our_functions as f
        where pg_catalog.has_function_privilege(%L, f.function_oid, 'execute')
      $$, r.role_name
    ),
    pg_catalog.format('%s may execute none of our functions', r.role_name)
  )
from (values ('anon'), ('authenticated'), ('parlant_test_user')) as r (role_name);

select
  is_empty(
    pg_catalog.format(
      $$
        select t.table_name
        from our_tables as t
        where pg_catalog.has_table_privilege(
          %L, t.table_name, 'select, insert, update, delete, truncate, references, trigger')
      $$, r.role_name
    ),
    pg_catalog.format('%s has no privilege on any of our tables', r.role_name)
  )
from (values ('anon'), ('authenticated'), ('parlant_test_user')) as r (role_name);

select
  ok(
    not pg_catalog.has_schema_privilege(r.role_name, 'parlant_internal', 'usage, create'),
    pg_catalog.format('%s may not enter the private schema', r.role_name)
  )
from (values ('anon'), ('authenticated'), ('parlant_test_user')) as r (role_name);

select bag_eq(
  $$
    select f.function_name::text
    from our_functions as f
    where not pg_catalog.has_function_privilege('service_role', f.function_oid, 'execute')
  $$,
  $$
    values
    ('adopt_table'), ('adopt_failed_table'), ('set_aside_policies'), ('lock_down_table'), ('derive_columns'),
    ('make_views'), ('drop_views_on'), ('opt_in'), ('apply_opt_ins'), ('missing_grants'),
    ('require_own_table'), ('has_our_shape'), ('index_columns'), ('make_registered_tables'),
    ('restore_collections'), ('restore_privileges'), ('skip_registered_collection'),
    ('skip_registered_view_set')
  $$,
  'service_role may execute all but the functions that only those of the owner call'
);

select is_empty(
  $$
    select t.table_name
    from our_tables as t
    where starts_with(t.table_name, 'public.') and not (
      pg_catalog.has_table_privilege('service_role', t.table_name, 'select')
      and pg_catalog.has_table_privilege('service_role', t.table_name, 'insert')
      and pg_catalog.has_table_privilege('service_role', t.table_name, 'update')
      and pg_catalog.has_table_privilege('service_role', t.table_name, 'delete')
    )
  $$,
  'service_role may read and write every collection''s tables'
);

select is_empty(
  $$
    select t.table_name
    from our_tables as t
    where pg_catalog.has_table_privilege('service_role', t.table_name, 'truncate, references, trigger')
  $$,
  'and may do nothing else with them'
);

select set_eq(
  $$
    select t.table_name
    from our_tables as t
    where starts_with(t.table_name, 'parlant_internal.')
    and pg_catalog.has_table_privilege('service_role', t.table_name, 'select')
  $$,
  $$
    values
    ('parlant_internal.collections'),
    ('parlant_internal.turns'),
    ('parlant_internal.view_sets')
  $$,
  'service_role may read the registry, what views there are to be, and the turns, not the shapes'
);

select is_empty(
  $$
    select t.table_name
    from our_tables as t
    where starts_with(t.table_name, 'parlant_internal.') and t.table_name <> 'parlant_internal.turns'
    and pg_catalog.has_table_privilege('service_role', t.table_name, 'insert, update, delete')
  $$,
  'service_role may write nothing in the private schema but the turns of sessions'
);

-- By really being that role.

create temporary table calls (statement text);
grant select on table calls to public;
insert into calls (statement)
values
($$select public.parlant_get_version()$$),
($$select public.parlant_create_collection('parlant_sessions_', 'extras')$$),
($$select public.parlant_get_collection('parlant_sessions_', 'events')$$),
($$select public.parlant_get_or_create_collection('parlant_sessions_', 'events')$$),
($$select public.parlant_delete_collection('parlant_sessions_', 'events')$$),
($$select public.parlant_create_views('parlant_')$$),
($$select public.parlant_find('parlant_sessions_', 'events')$$),
($$select public.parlant_find_one('parlant_sessions_', 'events', null)$$),
($$select public.parlant_insert_one('parlant_sessions_', 'events', '{"id": "e"}')$$),
($$select public.parlant_update_one('parlant_sessions_', 'events', null, '{"x": 1}')$$),
($$select public.parlant_delete_one('parlant_sessions_', 'events', null)$$),
($$select public.parlant_ensure_indexes('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_save_loaded_documents('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_execute('[]')$$),
($$select public.parlant_diagnose()$$),
($$select public.parlant_count_documents()$$),
($$select public.parlant_anonymize_customer(
  'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c', 'x', true)$$),
($$select public.parlant_count_customer_documents(
  'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c')$$),
($$select public.parlant_count_session_documents('parlant_sessions_', 's')$$),
($$select public.parlant_erase_customer(
  'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c')$$),
($$select public.parlant_erase_session('parlant_sessions_', 's')$$),
($$select public.parlant_expire_failed_documents('parlant_sessions_', now())$$),
($$select public.parlant_list_customer_failed_documents(
  'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c', 'events')$$),
($$select public.parlant_list_expired_sessions(
  'parlant_sessions_', 'parlant_customers_', '2026-01-01T00:00:00+00:00')$$),
($$select public.parlant_count_failed_documents()$$),
($$select public.parlant_list_failed_documents('parlant_sessions_', 'events')$$),
($$select public.parlant_restore_failed_documents('parlant_sessions_', 'events', '[]', '1')$$),
($$select public.parlant_drop_failed_documents('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_export_documents('parlant_sessions_', 'events')$$),
($$select public.parlant_import_documents('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_import_failed_documents('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_copy_unreadable_documents('parlant_sessions_', 'events', '[]')$$),
($$select public.parlant_adopt_collections('parlant_sessions_', '{events}')$$),
($$select public.parlant_open_store('parlant_sessions_', '{sessions}', '0.9.0')$$),
($$select public.parlant_open_cache('parlant_', '3.3.2')$$),
($$select public.parlant_list_cached('parlant_', 'cached_embeddings', '3.3.2')$$),
($$select public.parlant_save_cached('parlant_', 'cached_embeddings', '3.3.2', '{}')$$),
($$select public.parlant_record_cache_use('parlant_', 'cached_embeddings', '{}', 0, 0)$$),
($$select public.parlant_expire_cache('parlant_', now())$$),
($$select public.parlant_describe_caches()$$),
($$select public.parlant_create_event('parlant_sessions_', '{"id": "e", "session_id": "s"}')$$),
($$select public.parlant_create_events('parlant_sessions_', 's', '[{"id": "e"}]')$$),
($$select public.parlant_read_turn('parlant_sessions_', 's', 'parlant_customers_')$$),
($$select public.parlant_read_event('parlant_sessions_', 's', 'e')$$),
($$select public.parlant_list_events('parlant_sessions_', 's')$$),
($$select public.parlant_check_events('parlant_sessions_', '[]')$$),
($$select public.parlant_delete_session('parlant_sessions_', 's')$$),
($$select public.parlant_update_session('parlant_sessions_', 's', '{}', '{}')$$),
($$select public.parlant_keep_turns('parlant_sessions_', '[]', 20)$$),
($$select public.parlant_claim_turns('parlant_sessions_', 'x', '{}', 20, 600, 2, 10)$$),
($$select public.parlant_list_sessions('parlant_sessions_')$$),
($$select public.parlant_update_session_metadata('parlant_sessions_', 's')$$),
($$select public.parlant_update_session_labels('parlant_sessions_', 's')$$),
($$select public.parlant_create_customer('parlant_customers_', '{"id": "c"}')$$),
($$select public.parlant_read_customer('parlant_customers_', 'c')$$),
($$select public.parlant_list_customers('parlant_customers_')$$),
($$select public.parlant_update_customer('parlant_customers_', 'c')$$),
($$select public.parlant_delete_customer('parlant_customers_', 'c')$$),
($$select public.parlant_upsert_customer_tag('parlant_customers_', '{"id": "a"}')$$),
($$select public.parlant_remove_customer_tag('parlant_customers_', 'c', 't')$$),
($$select public.parlant_create_variable('parlant_context_variables_', '{"id": "v"}')$$),
($$select public.parlant_read_variable('parlant_context_variables_', 'v')$$),
($$select public.parlant_list_variables('parlant_context_variables_')$$),
($$select public.parlant_update_variable('parlant_context_variables_', 'v', '{}')$$),
($$select public.parlant_delete_variable('parlant_context_variables_', 'v')$$),
($$select public.parlant_add_variable_tag('parlant_context_variables_', '{"id": "a"}')$$),
($$select public.parlant_remove_variable_tag('parlant_context_variables_', 'v', 't')$$),
($$select parlant_internal.table_of('parlant_sessions_', 'events')$$),
($$select parlant_internal.create_collection_tables('parlant_sessions_', 'extras')$$),
($$select parlant_internal.drop_collection_table('parlant_sessions_', 'events')$$),
($$select parlant_internal.create_views('x_', 'x_', 'x_', 'x_')$$),
($$select c.prefix from parlant_internal.collections as c$$),
($$insert into public.parlant_sessions_events (data) values ('{"id": "e"}')$$),
($$update public.parlant_sessions_events as e set data = '{"id": "e"}' where true$$),
($$delete from public.parlant_sessions_events as e where true$$),
($$truncate table public.parlant_sessions_events$$);
insert into calls (statement)
select pg_catalog.format('select t.id from public.%I as t', t.table_name)
from parlant_internal.collections as c
cross join lateral (values (c.table_name), (c.failed_table_name)) as t (table_name)
where c.prefix in ('parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_')
union all
select pg_catalog.format('select v.* from public.parlant_%s as v', d.name)
from parlant_internal.view_definitions() as d;

select is_empty(
  $$
    select f.function_name
    from our_functions as f
    where
      f.schema_name = 'public'
      and not exists (
        select from calls as c
        where pg_catalog.strpos(c.statement, pg_catalog.format('public.%s(', f.function_name)) > 0
      )
  $$,
  'no api function is missing from the calls below'
);

set local role anon;
select throws_ok(c.statement, '42501', null, 'anon: ' || c.statement)
from calls as c;
reset role;

set local role authenticated;
select throws_ok(c.statement, '42501', null, 'authenticated: ' || c.statement)
from calls as c;
reset role;

set local role parlant_test_user;
select throws_ok(c.statement, '42501', null, 'a role of the user''s own: ' || c.statement)
from calls as c;
reset role;

set local role service_role;

select throws_ok(s.statement, '42501', null, 'service_role: ' || s.statement)
from (
  values
  ($$insert into parlant_internal.collections values ('p', 'c', 'orders', 'orders_failed')$$),
  ($$update parlant_internal.collections as c set table_name = 'users' where true$$),
  ($$delete from parlant_internal.collections as c where true$$),
  ($$drop function public.parlant_get_version()$$),
  ($$select d.id from parlant_internal.document_shape as d$$),
  ($$select parlant_internal.adopt_table('orders')$$),
  ($$select parlant_internal.adopt_failed_table('orders')$$),
  ($$select parlant_internal.set_aside_policies('orders')$$),
  ($$select parlant_internal.lock_down_table('orders')$$),
  ($$select parlant_internal.make_views('parlant_', null)$$),
  ($$select parlant_internal.drop_views_on('public.parlant_sessions_')$$),
  ($$drop function parlant_internal.view_definitions()$$),
  ($$update parlant_internal.view_sets as s set session_prefix = 'p' where true$$),
  ($$truncate table public.parlant_sessions_events$$),
  ($$drop table public.parlant_sessions_events$$),
  ($$alter table public.parlant_sessions_events disable row level security$$),
  ($$create table public.anything (id text)$$)
) as s (statement);

select lives_ok(
  $$select public.parlant_insert_one('parlant_sessions_', 'events', '{"id": "e1", "session_id": "s1"}')$$,
  'service_role may insert a document'
);

reset role;

-- Row level security holds even where somebody has granted too much.

grant select on table public.parlant_sessions_events to authenticated;
set local role authenticated;
select is(
  (select count(*) from public.parlant_sessions_events), 0::bigint,
  'a grant alone shows no rows: without a policy row level security hides them'
);
reset role;

create policy own_events on public.parlant_sessions_events for select to authenticated
using (session_id = 's1');
set local role authenticated;
select is(
  (select count(*) from public.parlant_sessions_events), 1::bigint,
  'a policy of the user''s own on a derived column decides'
);
reset role;

select f.line from finish() as f (line);
rollback;
