-- What parlant_diagnose() tells of an installation in order, and of what is wrong with one.
begin;
create extension if not exists pgtap with schema extensions;
select plan(41);

select public.parlant_create_collection('pgtap_doctor_', 'events');

-- What is said of one collection.
create function pg_temp.diagnosis(p_indexes jsonb default '{}') returns jsonb
language sql
as $$
  select c.value
  from jsonb_array_elements(public.parlant_diagnose('{}', p_indexes) -> 'collections') as c
  where c.value ->> 'prefix' = 'pgtap_doctor_'
$$;

create function pg_temp.absent(p_indexes jsonb default '{}') returns setof jsonb
language sql
as $$
  select i.value -> 'fields'
  from jsonb_array_elements(pg_temp.diagnosis(p_indexes) -> 'indexes') as i
  where not (i.value -> 'present')::boolean
$$;

set local role service_role;

select is(
  pg_temp.diagnosis() - 'indexes',
  '{
    "prefix": "pgtap_doctor_",
    "collection": "events",
    "documents": {
      "table": "pgtap_doctor_events", "exists": true, "rows": {"count": 0, "exact": true},
      "row_level_security": true, "policies": 0, "lacking": [], "granted": {}, "repairs": {}
    },
    "failed": {
      "table": "pgtap_doctor_events_failed_migrations", "exists": true,
      "rows": {"count": 0, "exact": true},
      "row_level_security": true, "policies": 0, "lacking": [], "granted": {}, "repairs": {}
    },
    "forget": null,
    "make_failed": null
  }'::jsonb,
  'a collection in order needs no repair'
);

select is_empty($$select pg_temp.absent()$$, 'and lacks no index');

select is(
  public.parlant_diagnose(array['parlant_find', 'table_of', 'lock_down_table', 'nonsense'])
  -> 'functions',
  '{"missing": ["nonsense"], "denied": ["lock_down_table"], "open": {}}'::jsonb,
  'of the functions named, those that are not there and those that the caller may not execute'
);

select cmp_ok(
  (public.parlant_diagnose() -> 'now')::numeric, '>=', extract(epoch from now()),
  'the time is the database''s, in seconds'
);

reset role;

-- Rows.

insert into public.pgtap_doctor_events (data)
select jsonb_build_object('id', n::text) from generate_series(1, 10000) as n;
select is(
  pg_temp.diagnosis() #> '{documents,rows}', '{"count": 10000, "exact": true}'::jsonb,
  '10,000 rows are counted'
);
insert into public.pgtap_doctor_events (data) values ('{"id": "10001"}'), ('{"id": "10002"}');
select is(
  pg_temp.diagnosis() #> '{documents,rows}', '{"count": 10001, "exact": false}'::jsonb,
  'of more, it is said that there are more'
);
analyze public.pgtap_doctor_events;
select is(
  pg_temp.diagnosis() #> '{documents,rows}', '{"count": 10002, "exact": false}'::jsonb,
  'and how many, once Postgres has an estimate'
);

-- Row level security and grants.

alter table public.pgtap_doctor_events disable row level security;
create policy anything on public.pgtap_doctor_events using (true);
grant select, truncate on public.pgtap_doctor_events to anon;
grant update (data) on public.pgtap_doctor_events to authenticated;
revoke insert, delete on public.pgtap_doctor_events from service_role;

set local role service_role;
select is(
  (pg_temp.diagnosis() -> 'documents') - 'rows',
  '{
    "table": "pgtap_doctor_events", "exists": true, "row_level_security": false, "policies": 1,
    "lacking": ["insert", "delete"],
    "granted": {"anon": ["select", "truncate"], "authenticated": ["update"]},
    "repairs": {
      "row_level_security": "alter table public.pgtap_doctor_events enable row level security;",
      "lacking":
        "grant select, insert, update, delete on table public.pgtap_doctor_events to service_role;",
      "granted": "revoke all on table public.pgtap_doctor_events from public, anon, authenticated;"
    }
  }'::jsonb,
  'row level security that is off, privileges that are lacking and grants that are too many'
);

create temporary table repairs as
select r.value as statement
from jsonb_each_text(pg_temp.diagnosis() #> '{documents,repairs}') as r;
reset role;
select lives_ok(r.statement, 'a repair: ' || r.statement) from repairs as r;

set local role service_role;
select is(
  pg_temp.diagnosis() #> '{documents,repairs}', '{}'::jsonb, 'after which nothing is to repair'
);
reset role;

revoke select on public.pgtap_doctor_events from service_role;
set local role service_role;
select is(
  pg_temp.diagnosis() #> '{documents,rows}', 'null'::jsonb,
  'rows that the caller may not read are not counted, and are no error'
);
reset role;

grant select on public.pgtap_doctor_events to service_role;
grant all on public.pgtap_doctor_events to anon, authenticated;
select is(
  pg_temp.diagnosis() #> '{documents,granted}',
  '{"anon": ["select", "insert", "update", "delete", "truncate"],
    "authenticated": ["select", "insert", "update", "delete", "truncate"]}'::jsonb,
  'grants come in order'
);
revoke all on public.pgtap_doctor_events from anon, authenticated;
revoke select on public.pgtap_doctor_events from service_role;

-- Functions that the public roles may execute.

grant execute on function public.parlant_find(text, text, jsonb, bigint, jsonb, text) to authenticated;
select is(
  public.parlant_diagnose() #> '{functions,open}', '{"authenticated": ["parlant_find"]}'::jsonb,
  'a function that signed-in users may execute'
);

create function public.parlant_pgtap_b() returns void language sql as 'select';
create function public.parlant_pgtap_a() returns void language sql as 'select';
create function public.pgtap_other() returns void language sql as 'select';
revoke execute on function public.parlant_pgtap_a(), public.parlant_pgtap_b() from public;
set local role service_role;
select is(
  public.parlant_diagnose('{pgtap_other,nonsense,parlant_pgtap_b,parlant_pgtap_a}') -> 'functions',
  '{
    "missing": ["nonsense", "pgtap_other"], "denied": ["parlant_pgtap_a", "parlant_pgtap_b"],
    "open": {"authenticated": ["parlant_find"]}
  }'::jsonb,
  'functions are named in order, and others than ours are not there'
);
select is(
  public.parlant_diagnose() -> 'functions',
  '{"missing": [], "denied": [], "open": {"authenticated": ["parlant_find"]}}'::jsonb,
  'if none is asked for, none is missing'
);
reset role;
grant execute on function public.parlant_pgtap_b(), public.parlant_pgtap_a() to anon;
select is(
  public.parlant_diagnose() #> '{functions,open,anon}', '["parlant_pgtap_a", "parlant_pgtap_b"]'::jsonb,
  'those that are open are named in order, too'
);

-- Indexes.

select set_eq(
  $$select pg_temp.absent('{"events": [
    {"fields": [["id", "asc"]], "unique": false},
    {"fields": [["session_id", "asc"], ["offset", "asc"]], "unique": false},
    {"fields": [["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]], "unique": false}
  ]}')$$,
  $$values ('[["session_id", "asc"], ["offset", "asc"]]'::jsonb)$$,
  'of the indexes that a store asks for, the one that nothing else has made'
);

select is(
  array(
    select i.value ->> 'origin' || ' ' || (i.value -> 'fields')
    from jsonb_array_elements(
      pg_temp.diagnosis('{"events": [
        {"fields": [["b", "asc"]], "unique": false}, {"fields": [["a", "asc"]], "unique": false}
      ]}') -> 'indexes'
    ) as i
  ),
  array[
    'default [["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]]',
    'requested [["a", "asc"]]',
    'requested [["b", "asc"]]',
    'table [["id", "asc"]]',
    'table [["creation_utc", "asc"], ["id", "asc"]]',
    'table [["version", "asc"], ["seq", "asc"]]'
  ],
  'indexes come in order'
);

alter table public.pgtap_doctor_events drop constraint pgtap_doctor_events_pkey;
select set_eq(
  'select pg_temp.absent()', $$values ('[["id", "asc"]]'::jsonb)$$, 'an index that is lacking among others'
);

create temporary table moved as
select
  parlant_internal.index_name(
    'pgtap_doctor_', 'events', '[["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]]', false
  ) as name;
do $$
begin
  execute format('drop index public.%I', (select m.name from moved as m));
  execute format(
    'create index %I on public.pgtap_doctor_events_failed_migrations (id)', (select m.name from moved as m));
end;
$$;
select set_eq(
  'select pg_temp.absent()',
  $$
    values
    ('[["id", "asc"]]'::jsonb),
    ('[["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]]')
  $$,
  'an index of another table does not count'
);
do $$
begin
  execute format('drop index public.%I', (select m.name from moved as m));
end;
$$;

create temporary table dropped as
select i.indexrelid::regclass::text as name
from pg_catalog.pg_index as i
where i.indrelid = 'public.pgtap_doctor_events'::regclass;
do $$
declare
  v_name text;
begin
  for v_name in select d.name from dropped as d loop
    execute 'drop index ' || v_name;
  end loop;
end;
$$;

select set_eq(
  $$select pg_temp.absent()$$,
  $$
    values
    ('[["id", "asc"]]'::jsonb),
    ('[["creation_utc", "asc"], ["id", "asc"]]'),
    ('[["version", "asc"], ["seq", "asc"]]'),
    ('[["session_id", "asc"], ["creation_utc", "asc"], ["id", "asc"]]')
  $$,
  'every index that was dropped'
);

-- This file is one transaction, in which none can be made concurrently.
create temporary table index_repairs as
select replace(i.value ->> 'repair', ' concurrently', '') as statement
from jsonb_array_elements(pg_temp.diagnosis() -> 'indexes') as i;
select lives_ok(r.statement, 'a repair: ' || r.statement) from index_repairs as r;
select is_empty($$select pg_temp.absent()$$, 'after which no index is lacking');

-- Tables.

drop table public.pgtap_doctor_events_failed_migrations;
create temporary table remake as select pg_temp.diagnosis() ->> 'make_failed' as statement;
select is(
  pg_temp.diagnosis() -> 'failed',
  '{"table": "pgtap_doctor_events_failed_migrations", "exists": false}'::jsonb,
  'a table of failed documents that is not there'
);
select lives_ok(r.statement, 'and the statement that makes it') from remake as r;

drop table public.pgtap_doctor_events;
select is(
  array[pg_temp.diagnosis() #> '{documents,exists}', pg_temp.diagnosis() -> 'indexes'],
  array['false', '[]']::jsonb[],
  'a table that is not there'
);
create temporary table registry as select
  c.prefix,
  c.collection
from parlant_internal.collections as c;
create temporary table forgetting as select pg_temp.diagnosis() ->> 'forget' as statement;
select lives_ok(r.statement, 'the statement that forgets it') from forgetting as r;
select set_eq(
  $$
    select r.prefix, r.collection from registry as r
    except select c.prefix, c.collection from parlant_internal.collections as c
  $$,
  $$values ('pgtap_doctor_', 'events')$$,
  'forgets no other'
);
insert into parlant_internal.collections (prefix, collection, table_name, failed_table_name)
values ('pgtap_doctor_', 'events', 'pgtap_doctor_events', 'pgtap_doctor_events_failed_migrations');

-- Views.

create function pg_temp.view_state(p_view text) returns text
language sql
as $$
  select v.value ->> 'state'
  from jsonb_array_elements(public.parlant_diagnose() -> 'views') as v
  where v.value ->> 'view' = p_view
$$;

select public.parlant_create_views('pgtap_doctor_');
select is(
  pg_temp.view_state('pgtap_doctor_messages'), 'waiting', 'a view whose tables have yet to be made'
);
select is(pg_temp.view_state('parlant_messages'), 'made', 'one that is there');

drop view public.parlant_messages;
select is(pg_temp.view_state('parlant_messages'), 'missing', 'one that was dropped');

create table public.parlant_messages (text text);
select is(
  pg_temp.view_state('parlant_messages'), 'left alone', 'one whose name something else has'
);

create temporary table view_repair as
select v.value ->> 'repair' as statements
from jsonb_array_elements(public.parlant_diagnose() -> 'views') as v
where v.value ->> 'view' = 'parlant_messages';
do $$
begin
  execute (select r.statements from view_repair as r);
end;
$$;
select is(
  array[pg_temp.view_state('parlant_messages'), to_regclass('public.parlant_messages_own')::text],
  '{made,parlant_messages_own}',
  'the repair makes room for it, keeps what was there, and makes it'
);

-- A name that leaves no room for more is cut.

select public.parlant_create_views(repeat('v', 45) || '_');
do $$
begin
  execute format('create table public.%I (id text)', repeat('v', 45) || '_customer_overview');
end;
$$;
select
  matches(
    v.value ->> 'repair', 'rename to v{45}_customer_over_own; ', 'room is made under a name that is cut'
  )
from jsonb_array_elements(public.parlant_diagnose() -> 'views') as v
where v.value ->> 'view' = repeat('v', 45) || '_customer_overview';

select is(
  array(
    select v.value ->> 'view'
    from jsonb_array_elements(public.parlant_diagnose() -> 'views') with ordinality as v
    order by v.ordinality
  ),
  array(
    select s.prefix || d.name
    from parlant_internal.view_sets as s
    cross join parlant_internal.view_definitions() as d
    order by s.prefix || d.name
  ),
  'views come in order'
);

delete from parlant_internal.collections as c
where true;
select is(public.parlant_diagnose() -> 'collections', '[]'::jsonb, 'no collections are no error');

select f.line from finish() as f (line);
rollback;
