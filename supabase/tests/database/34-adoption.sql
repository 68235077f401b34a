-- Adoption of tables that were made by hand: what becomes of their rows, columns, indexes and policies.
begin;
create extension if not exists pgtap with schema extensions;
select plan(47);

-- A table as the earlier adapter's script makes it, and that of its failed documents.
create function pg_temp.make(p_table text) returns void language plpgsql as $$
begin
  execute format(
    'create table public.%I (id text primary key, version text, creation_utc text, session_id text,'
    ' customer_id text, agent_id text, data jsonb default ''{}'')', p_table);
  execute format(
    'create table public.%I (id text, data jsonb default ''{}'')', p_table || '_failed_migrations');
end;
$$;

create function pg_temp.adopt(p_collection text) returns text language plpgsql as $$
declare
  v_detail text;
begin
  perform public.parlant_create_collection('pgtap_adopt_', p_collection);
  return 'adopted';
exception when sqlstate 'PD007' then
  get stacked diagnostics v_detail = pg_exception_detail;
  return v_detail;
end;
$$;

-- Rows and columns.

select pg_temp.make('pgtap_adopt_things');
insert into public.pgtap_adopt_things (id, version, creation_utc, session_id, customer_id, agent_id, data)
values
('whole', 'x', 'x', 'x', 'x', 'x', '{"id": "whole", "version": "1", "session_id": "s1"}'),
('bare', '1', '2026', 's1', 'c1', 'a1', '{"k": 1}'),
('number', null, null, null, null, null, '{"id": 7, "agent_id": "a2"}');

-- The user's own: a policy for each command, one with the name of the script's, and indexes.
alter table public.pgtap_adopt_things enable row level security;
create policy "Allow all operations on pgtap_adopt_things" on public.pgtap_adopt_things for all using (true);
create policy "Allow all operations on my rows" on public.pgtap_adopt_things for all to authenticated
using (customer_id = 'me') with check (customer_id = 'me' and agent_id is not null);
create policy "my own" on public.pgtap_adopt_things as restrictive for select to anon, authenticated
using (session_id <> 'x');
comment on policy "my own" on public.pgtap_adopt_things is 'Why it is there';
create policy "my new" on public.pgtap_adopt_things for insert with check (version = '1');
create policy "my open" on public.pgtap_adopt_things for select using (true);

create index idx_pgtap_adopt_things_creation_utc on public.pgtap_adopt_things (creation_utc);
create index idx_pgtap_adopt_things_agent_id on public.pgtap_adopt_things (agent_id);
create index idx_pgtap_adopt_things_data_gin on public.pgtap_adopt_things using gin (data);
create unique index idx_pgtap_adopt_things_session_id on public.pgtap_adopt_things (session_id, id);
create index pgtap_adopt_own on public.pgtap_adopt_things (customer_id);
create index idx_pgtap_adopt_things_customer_id on public.pgtap_adopt_things_failed_migrations (id);

create temporary table policies_before as
select
  p.policyname,
  p.permissive,
  p.roles,
  p.cmd,
  p.qual,
  p.with_check
from pg_catalog.pg_policies as p
where p.tablename = 'pgtap_adopt_things';

create policy "my failed" on public.pgtap_adopt_things_failed_migrations for select using (id <> 'x');
create policy "Allow all operations on failed" on public.pgtap_adopt_things_failed_migrations for all using (
  true
);
insert into public.pgtap_adopt_things_failed_migrations (id, data) values ('f', '{"id": "f"}'), (null, null);

select is(pg_temp.adopt('things'), 'adopted', 'a table of the right shape is adopted');

select is(
  (select jsonb_agg(to_jsonb(t) - 'seq' order by t.id) from public.pgtap_adopt_things as t),
  '[
    {"id": "bare", "version": "1", "creation_utc": "2026", "session_id": "s1", "customer_id": "c1",
     "agent_id": "a1", "data": {"id": "bare", "version": "1", "creation_utc": "2026", "session_id": "s1",
     "customer_id": "c1", "agent_id": "a1", "k": 1}},
    {"id": "number", "version": "", "creation_utc": "", "session_id": null, "customer_id": null,
     "agent_id": "a2", "data": {"id": "number", "agent_id": "a2"}},
    {"id": "whole", "version": "1", "creation_utc": "", "session_id": "s1", "customer_id": null,
     "agent_id": null, "data": {"id": "whole", "version": "1", "session_id": "s1"}}
  ]'::jsonb,
  'data gets from the columns what it lacks, and columns follow data'
);

select results_eq(
  $$
    select a.attname::text, a.attcollation = '"C"'::regcollation, a.attnotnull
    from pg_catalog.pg_attribute as a
    where a.attrelid = 'public.pgtap_adopt_things'::regclass and a.attnum > 0 order by a.attnum
  $$,
  $$
    select s.attname::text, s.attcollation = '"C"'::regcollation, s.attnotnull
    from pg_catalog.pg_attribute as s
    where s.attrelid = 'parlant_internal.document_shape'::regclass and s.attnum > 0 order by s.attnum
  $$,
  'its columns are those of any collection'
);

select set_eq(
  $$
    select split_part(pg_catalog.pg_get_indexdef(i.indexrelid), ' ON public.pgtap_adopt_things USING btree ', 1)
    || split_part(pg_catalog.pg_get_indexdef(i.indexrelid), ' USING btree', 2) from pg_catalog.pg_index as i
    where i.indrelid = 'public.pgtap_adopt_things'::regclass and not i.indisprimary
  $$,
  array[
    'CREATE UNIQUE INDEX idx_pgtap_adopt_things_session_id (session_id, id)',
    'CREATE INDEX pgtap_adopt_own (customer_id)',
    'CREATE INDEX pgtap_adopt_things_creation_utc_id_idx (creation_utc, id)',
    'CREATE INDEX pgtap_adopt_things_version_seq_idx (version, seq)'
  ],
  'the script''s indexes go, those of the user''s own stay, the unique one with a name of the script''s too'
);

select
  has_index(
    'public',
    'pgtap_adopt_things_failed_migrations',
    'idx_pgtap_adopt_things_customer_id',
    'and so does one of another table'
  );

select set_eq(
  $$
    select p.policyname::text, p.permissive, p.roles, p.cmd, p.qual, p.with_check
    from pg_catalog.pg_policies as p where p.tablename = 'pgtap_adopt_things'
  $$,
  $$
    select p.policyname::text, p.permissive, p.roles, p.cmd, p.qual, p.with_check from policies_before as p
    where p.policyname <> 'Allow all operations on pgtap_adopt_things'
  $$,
  'the script''s policy goes, those of the user''s own stay as they were'
);
select is(
  (
    select obj_description(p.oid, 'pg_policy') from pg_catalog.pg_policy as p
    where p.polrelid = 'public.pgtap_adopt_things'::regclass and p.polname = 'my own'
  ),
  'Why it is there',
  'with their comments'
);
select policies_are(
  'public', 'pgtap_adopt_things_failed_migrations', array['my failed'::name],
  'so it is with the failed documents'
);

select is(
  (
    select jsonb_agg(to_jsonb(f) - 'failed_at' order by f.seq)
    from public.pgtap_adopt_things_failed_migrations as f
  ),
  '[{"id": "f", "data": {"id": "f"}, "reason": "unknown", "seq": 1},
    {"id": null, "data": null, "reason": "unknown", "seq": 2}]'::jsonb,
  'which are kept, in their order'
);
select is(
  (
    select f.failed_at from public.pgtap_adopt_things_failed_migrations as f
    where f.id = 'f'
  ),
  now(),
  'with a time'
);
select col_is_pk('public', 'pgtap_adopt_things_failed_migrations', 'seq', 'and a key');
select is(
  (
    select count(*) from pg_catalog.pg_index as i
    where i.indrelid = 'public.pgtap_adopt_things_failed_migrations'::regclass
  ),
  3::bigint,
  'and an index'
);
select is(
  (
    select a.attcollation from pg_catalog.pg_attribute as a
    where a.attrelid = 'public.pgtap_adopt_things_failed_migrations'::regclass and a.attname = 'id'
  ),
  '"C"'::regcollation::oid,
  'ids are compared by code point there, too'
);

-- From now on it is a collection like any other.

insert into public.pgtap_adopt_things (data) values ('{"id": "later", "version": "1"}');
select is(
  (
    select t.version from public.pgtap_adopt_things as t
    where t.id = 'later'
  ),
  '1', 'columns follow data'
);
select ok(c.relrowsecurity, c.relname || ' has row level security')
from pg_catalog.pg_class as c
where c.relname in ('pgtap_adopt_things', 'pgtap_adopt_things_failed_migrations');

-- Adopted again, as after a restore that lost the registry.

create temporary table made_before as
select c.oid from pg_catalog.pg_class as c
where c.relname like '%pgtap\_adopt%';

delete from parlant_internal.collections as c
where c.prefix = 'pgtap_adopt_';
select is(pg_temp.adopt('things'), 'adopted', 'a table of ours that is not registered is adopted');
select set_eq(
  'select c.oid from pg_catalog.pg_class as c where c.relname like ''%pgtap\_adopt%''',
  'select b.oid from made_before as b',
  'and stays as it is, without a second index'
);

-- Refusals.

create function pg_temp.refusal(p_collection text, p_change text) returns text language plpgsql as $$
declare
  v_reply text;
begin
  perform pg_temp.make('pgtap_adopt_' || p_collection);
  execute format(p_change, 'public.pgtap_adopt_' || p_collection);
  v_reply := pg_temp.adopt(p_collection);
  delete from parlant_internal.collections as c where c.prefix = 'pgtap_adopt_' and c.collection = p_collection;
  execute format('drop table public.%I cascade', 'pgtap_adopt_' || p_collection);
  execute format('drop table if exists public.%I', 'pgtap_adopt_' || p_collection || '_failed_migrations');
  return v_reply;
end;
$$;

select is(pg_temp.refusal('odd', r.change), r.detail, r.change)
from (
  values
  ('select', 'adopted'),
  ('alter table %s drop column session_id', 'It lacks, with the right type: session_id.'),
  (
    'alter table %1$s drop column agent_id, drop column data',
    'It lacks, with the right type: agent_id, data.'
  ),
  ('alter table %s alter version type varchar', 'It lacks, with the right type: version.'),
  ('alter table %1$s drop constraint pgtap_adopt_odd_pkey', 'It lacks a primary key on id.'),
  (
    'alter table %1$s drop constraint pgtap_adopt_odd_pkey, add primary key (id, version)',
    'It lacks a primary key on id.'
  ),
  (
    'alter table %1$s drop constraint pgtap_adopt_odd_pkey, add primary key (version)',
    'It lacks a primary key on id.'
  ),
  (
    'alter table %1$s drop constraint pgtap_adopt_odd_pkey; create unique index on %1$s (id)',
    'It lacks a primary key on id.'
  ),
  (
    'insert into %s (id, data) values (1, ''[]''), (2, null), (3, ''{}'')',
    'In 2 of its rows, data is not a JSON object.'
  ),
  ('insert into %s (id, data) values (1, ''[]'')', 'In 1 of its rows, data is not a JSON object.'),
  (
    'insert into %s (id, data) values (1, ''{"id": "2"}''), (2, ''{"id": "2"}'')',
    'Two of its rows have the same id in data.'
  ),
  (
    'create view public.pgtap_adopt_seen as select session_id from %s',
    'cannot alter type of a column used by a view or rule: rule _RETURN on view'
    || ' public.pgtap_adopt_seen depends on column "session_id".'
  ),
  ('alter table %s add column own text', 'adopted'),
  ('alter table %s drop column id', 'It lacks, with the right type: id.'),
  (
    'alter table %1$s alter id type text collate "C", alter version type text collate "C",'
    ' alter version set not null, alter creation_utc type text collate "C", alter creation_utc set not null,'
    ' alter session_id type text collate "C", alter customer_id type text collate "C",'
    ' alter agent_id type text collate "C", alter data set not null, add own integer not null default 0',
    'adopted'
  )
) as r (change, detail);

select is(pg_temp.refusal('odd', r.change), r.detail, r.change)
from (
  values
  (
    'alter table %s_failed_migrations drop column data',
    'A table of failed documents has the columns id text and data jsonb, and no primary key.'
  ),
  (
    'alter table %s_failed_migrations alter id type varchar',
    'A table of failed documents has the columns id text and data jsonb, and no primary key.'
  ),
  (
    'alter table %s_failed_migrations add primary key (id)',
    'A table of failed documents has the columns id text and data jsonb, and no primary key.'
  ),
  (
    'alter table %s_failed_migrations add column seq bigint generated always as identity primary key',
    'adopted'
  ),
  ('alter table %s_failed_migrations add column reason text not null default ''mine''', 'adopted'),
  ('drop table %s_failed_migrations', 'adopted')
) as r (change, detail);

create view public.pgtap_adopt_seen as
select
  t.id,
  t.version,
  t.creation_utc,
  t.session_id,
  t.customer_id,
  t.agent_id,
  t.data
from public.pgtap_adopt_things as t;
select is(pg_temp.adopt('seen'), 'It lacks a primary key on id.', 'a view is not adopted');

create view public.pgtap_adopt_failed_failed_migrations as
select
  t.id,
  t.data
from public.pgtap_adopt_things as t;
select is(
  pg_temp.adopt('failed'),
  'A table of failed documents has the columns id text and data jsonb, and no primary key.',
  'nor is one for failed documents'
);

-- Of a table that is ours but for one column, that column is changed.

select public.parlant_create_collection('pgtap_adopt_', 'nearly');
delete from parlant_internal.collections as c
where c.prefix = 'pgtap_adopt_' and c.collection = 'nearly';
alter table public.pgtap_adopt_nearly alter column id type text collate "POSIX";
select pg_temp.adopt('nearly');
select is(
  (
    select a.attcollation from pg_catalog.pg_attribute as a
    where a.attrelid = 'public.pgtap_adopt_nearly'::regclass and a.attname = 'id'
  ),
  '"C"'::regcollation::oid,
  'a column alone with another collation'
);

-- Names.

select throws_ok(
  format('select public.parlant_create_collection(%L, %L)', repeat('p', 63), 'things'), 'PD006', null,
  'a name that leaves no room for that of the failed documents'
);
select throws_ok(
  'select public.parlant_create_collection(''pgtap_adopt_thin'', ''gs'')', 'PD006',
  'collection ''gs'' under prefix ''pgtap_adopt_thin'' would share table pgtap_adopt_things with collection'
  || ' ''things'' under prefix ''pgtap_adopt_''',
  'two prefixes that come out at one table'
);

-- Adoption of what there is.

select is(
  public.parlant_adopt_collections('pgtap_none_', '{things}'), '{"collections": []}'::jsonb,
  'tables that are not there are not made'
);
select pg_temp.make('pgtap_adopt_b');
select pg_temp.make('pgtap_adopt_a');
select is(
  public.parlant_adopt_collections('pgtap_adopt_', '{b,c,a}'), '{"collections": ["a", "b"]}'::jsonb,
  'those that are there are, and are named in order'
);
select is(
  public.parlant_adopt_collections('pgtap_adopt_', '{b}'), '{"collections": ["b"]}'::jsonb,
  'those alone that are asked for'
);

select f.line from finish() as f (line);
rollback;
