begin;
create extension if not exists pgtap with schema extensions;
select plan(25);

-- The names of a set's views that are there.
create function pg_temp.views_of(p_prefix text) returns text[]
language sql
as $$
  select coalesce(array_agg(substr(c.relname, length($1) + 1) order by c.relname collate "C"), '{}')
  from pg_catalog.pg_class as c
  where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace and starts_with(c.relname, $1)
$$;
grant execute on function pg_temp.views_of(text) to service_role;

set local role service_role;

select is(
  public.parlant_create_views('pgtap_v_'),
  '{"views": {"pgtap_v_messages": "waiting", "pgtap_v_session_overview": "waiting",
    "pgtap_v_customer_overview": "waiting", "pgtap_v_variable_overview": "waiting"}}'::jsonb,
  'views wait for their tables'
);
select is(pg_temp.views_of('pgtap_v_'), '{}', 'and are not there');

select lives_ok(
  $$
    select
      public.parlant_open_store('pgtap_v_sessions_', '{sessions,events}', '0.9.0'),
      public.parlant_create_collection('pgtap_v_customers_', 'customers')
  $$,
  'stores that are opened'
);
select is(
  pg_temp.views_of('pgtap_v_'), '{messages,session_overview}', 'bring the views that lack no table'
);

select lives_ok(
  $$select public.parlant_create_collection('pgtap_v_customers_', 'customer_tag_associations')$$,
  'what was missing'
);
select is(
  public.parlant_create_views('pgtap_v_'),
  '{"views": {"pgtap_v_messages": "made", "pgtap_v_session_overview": "made",
    "pgtap_v_customer_overview": "made", "pgtap_v_variable_overview": "waiting"}}'::jsonb,
  'asked again, those that can be are made again'
);
select is(
  pg_temp.views_of('pgtap_v_'), '{customer_overview,messages,session_overview}', 'and are there'
);

insert into public.pgtap_v_sessions_events (data)
values ('{"id": "e", "session_id": "s", "kind": "message", "data": {"message": "Hello"}}');
select results_eq(
  $$select m.text from public.pgtap_v_messages as m$$, $$values ('Hello')$$, 'they show their own tables'
);
select is_empty(
  $$select m.text from public.parlant_messages as m$$, 'which are not those of the default stores'
);

-- Deleting a collection.

select is(
  public.parlant_delete_collection('pgtap_v_sessions_', 'events'), '{"deleted": true}'::jsonb,
  'a collection that views read can be deleted'
);
select is(pg_temp.views_of('pgtap_v_'), '{customer_overview}', 'its views go with it');
select lives_ok(
  $$select public.parlant_create_collection('pgtap_v_sessions_', 'events')$$, 'made anew'
);
select is(
  pg_temp.views_of('pgtap_v_'), '{customer_overview,messages,session_overview}', 'it brings them again'
);

reset role;
create view public.pgtap_greetings as select m.text from public.pgtap_v_messages as m;
set local role service_role;
select throws_ok(
  $$select public.parlant_delete_collection('pgtap_v_sessions_', 'events')$$,
  '2BP01', null, 'a view of the user''s own that reads one of ours is not dropped'
);
select is(
  pg_temp.views_of('pgtap_v_'), '{customer_overview,messages,session_overview}', 'nor is anything else'
);
select lives_ok($$select public.parlant_create_views('pgtap_v_')$$, 'and ours can be made again beneath it');

-- Somebody else's objects.

reset role;
create table public.pgtap_o_messages (id integer);
create view public.pgtap_o_session_overview as select 1 as id;
comment on view public.pgtap_o_session_overview is 'No View of parlant-supabase. I promise.';
set local role service_role;
select is(
  public.parlant_create_views(
    'pgtap_o_', 'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_'
  ),
  '{"views": {"pgtap_o_messages": "left alone", "pgtap_o_session_overview": "left alone",
    "pgtap_o_customer_overview": "made", "pgtap_o_variable_overview": "made"}}'::jsonb,
  'what has the name of a view is left alone'
);
select has_table('public', 'pgtap_o_messages'::name, 'be it a table');
select columns_are('public', 'pgtap_o_session_overview', '{id}', 'or a view');

-- Other stores than before.

select is(
  public.parlant_create_views('pgtap_v_', p_variable_prefix => 'parlant_context_variables_')
  #>> '{views,pgtap_v_variable_overview}',
  'made',
  'a store may have any prefix'
);
select is(
  public.parlant_create_views('pgtap_v_', p_variable_prefix => 'pgtap_none_')
  #>> '{views,pgtap_v_variable_overview}',
  'waiting',
  'one that has none takes its view with it'
);
select is(
  pg_temp.views_of('pgtap_v_'), '{customer_overview,messages,session_overview}',
  'which would show another store''s rows'
);

-- Names.

select throws_ok(
  $$select public.parlant_create_views('')$$,
  'PD006', 'the prefix of views must not be empty',
  'a prefix has to be one'
);
select throws_ok(
  $$select public.parlant_create_views(repeat('ä', 24))$$,
  'PD006', pg_catalog.format('view name %I is too long', repeat('ä', 24) || 'customer_overview'),
  'a name that Postgres would cut is an error'
);
select is(
  public.parlant_create_views('Pg"tap %s_') -> 'views' ->> 'Pg"tap %s_messages', 'waiting',
  'a name may hold anything else'
);

select f.line from finish() as f (line);
rollback;
