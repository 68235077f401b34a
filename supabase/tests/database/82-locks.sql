-- What a transaction holds after a call: the locks that make others wait for it.
begin;
create extension if not exists pgtap with schema extensions;
select plan(10);

select public.parlant_open_store('pgtap_x_', '{sessions,events}', '1');
insert into public.pgtap_x_sessions (data) values ('{"id": "s1"}'), ('{"id": "s2"}'), ('{"id": "s3"}');
insert into public.pgtap_x_sessions_failed_migrations (id, data, reason)
values ('s3', '{"id": "s3", "title": "before"}', 'raised: x');

-- Ids of the rows that this transaction has locked or changed since it made them.
create function pg_temp.locked(p_table regclass) returns text[] language plpgsql as $$
declare
  v_ids text[];
begin
  execute format('select array_agg(t.id order by t.id) from %s as t where t.xmax <> ''0''::xid', p_table)
  into v_ids;
  return v_ids;
end;
$$;

create function pg_temp.advisory_locks() returns bigint language sql as $$
  select count(*) from pg_catalog.pg_locks as l
  where l.locktype = 'advisory' and l.pid = pg_catalog.pg_backend_pid() and l.granted
$$;

create function pg_temp.table_lock(p_table regclass) returns text[] language sql as $$
  select array_agg(l.mode order by l.mode) from pg_catalog.pg_locks as l
  where l.relation = p_table and l.pid = pg_catalog.pg_backend_pid() and l.mode like 'Share%Exclusive%'
$$;

select is(pg_temp.locked('public.pgtap_x_sessions'), null, 'nothing is locked at first');

select parlant_internal.lock_document('public.pgtap_x_sessions', 's2');
select is(
  pg_temp.locked('public.pgtap_x_sessions'), '{s2}', 'lock_document locks the document'
);

select parlant_internal.lock_first_match('public.pgtap_x_sessions', '{}');
select is(
  pg_temp.locked('public.pgtap_x_sessions'), '{s1,s2}', 'lock_first_match locks the first match'
);

select public.parlant_restore_failed_documents(
  'pgtap_x_', 'sessions',
  (
    select jsonb_build_array(jsonb_build_object('seq', f.seq, 'data', f.data))
    from public.pgtap_x_sessions_failed_migrations as f
  ),
  '1'
);
select is(
  pg_temp.locked('public.pgtap_x_sessions'), '{s1,s2,s3}', 'restoring locks the stored document'
);
select is(
  pg_temp.locked('public.pgtap_x_sessions_failed_migrations'), '{s3}', 'and the failed one'
);

create temporary table held (number bigint);
insert into held select pg_temp.advisory_locks();

select public.parlant_update_one('pgtap_x_', 'sessions', '{"id": {"$eq": "new"}}', '{"id": "new"}', true);
select cmp_ok(
  pg_temp.advisory_locks(), '>', (select max(h.number) from held as h),
  'upserts of one document take turns'
);
insert into held select pg_temp.advisory_locks();

select public.parlant_execute(
  '[{"function": "update_session_labels",
     "arguments": [{"p_prefix": "pgtap_x_", "p_session_id": "s1", "p_added": ["x"]},
                   {"p_prefix": "pgtap_x_", "p_session_id": "s2", "p_added": ["x"]}]}]'
);
select cmp_ok(
  pg_temp.advisory_locks(), '>', (select max(h.number) from held as h),
  'a batch takes its turn at what it is going to write'
);
insert into held select pg_temp.advisory_locks();

select public.parlant_execute(
  '[{"function": "read_event",
     "arguments": [{"p_prefix": "pgtap_x_", "p_session_id": "s7", "p_event_id": "e1"},
                   {"p_prefix": "pgtap_x_", "p_session_id": "s7", "p_event_id": "e2"}]}]'
);
select is(
  pg_temp.advisory_locks(), (select max(h.number) from held as h),
  'and waits for nobody at what it reads'
);

select public.parlant_ensure_indexes('pgtap_x_', 'metadata', '[{"fields": [["k", "asc"]]}]');
select cmp_ok(
  pg_temp.advisory_locks(), '>', (select max(h.number) from held as h),
  'indexes are made in turn'
);

select is(
  pg_temp.table_lock('parlant_internal.collections'), '{ShareRowExclusiveLock}',
  'whoever makes collections takes turns'
);

select f.line from finish() as f (line);
rollback;
