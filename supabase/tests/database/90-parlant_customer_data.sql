begin;
create extension if not exists pgtap with schema extensions;
select plan(44);

set local role service_role;

select lives_ok(
  $$select public.parlant_open_store('pgtap_s_', '{sessions,events}', '0.9.0'),
           public.parlant_open_store('pgtap_c_', '{customers,customer_tag_associations}', '0.5.0'),
           public.parlant_open_store('pgtap_v_', '{variables,variable_tag_associations,values}', '0.4.0')$$,
  'the three stores'
);

-- What is stored before each group of tests: customer c1 with everything, and c2, who must keep everything.
create function pg_temp.refill() returns void language sql as $refill$
delete from public.pgtap_s_sessions;
delete from public.pgtap_s_events;
delete from public.pgtap_c_customers;
delete from public.pgtap_c_customer_tag_associations;
delete from public.pgtap_v_values;
delete from public.pgtap_s_events_failed_migrations;
delete from public.pgtap_s_sessions_failed_migrations;
delete from public.pgtap_c_customers_failed_migrations;

insert into public.pgtap_s_sessions (data)
values
('{"id": "s1", "version": "0.9.0", "creation_utc": "2026-01-01T00:00:00+00:00", "agent_id": "a1",
  "customer_id": "c1", "title": "Ann calls", "metadata": {"city": "Ulm"}, "labels": ["vip"]}'),
('{"id": "s2", "version": "0.9.0", "creation_utc": "2026-01-02T00:00:00+00:00", "agent_id": "a1",
  "customer_id": "c2", "title": null, "metadata": {}, "labels": []}');

insert into public.pgtap_s_events (data)
values
(
  '{"id": "e1", "session_id": "s1", "creation_utc": "2026-01-01T00:00:01+00:00", "offset": 0,
  "source": "customer", "kind": "message", "trace_id": "t1", "deleted": false, "metadata": {"ip": "1"},
  "data": {"message": "I am Ann", "participant": {"id": "c1", "display_name": "Ann"}}}'
),
(
  '{"id": "e2", "session_id": "s1", "creation_utc": "2026-01-01T00:00:02+00:00", "offset": 1,
  "source": "system", "kind": "tool", "trace_id": "t1", "deleted": false, "metadata": {},
  "data": {"tool_calls": [{"tool_id": "shop:find", "arguments": {"name": "Ann"}, "result": {"data": "Ann"}}]}}'
),
(
  '{"id": "e3", "session_id": "s1", "creation_utc": "2026-01-01T00:00:03+00:00", "offset": 2,
  "source": "ai_agent", "kind": "message", "trace_id": "t1", "deleted": true, "metadata": {},
  "data": {"message": "Hello Ann", "participant": {"id": "a1", "display_name": "Agent"}}}'
),
(
  '{"id": "e4", "session_id": "s2", "creation_utc": "2026-02-02T00:00:00+00:00", "offset": 0,
  "source": "customer", "kind": "message", "trace_id": "t2", "deleted": false, "metadata": {},
  "data": {"message": "Bob", "participant": {"id": "c2", "display_name": "Bob"}}}'
);

insert into public.pgtap_c_customers (data)
values
('{"id": "c1", "version": "0.5.0", "creation_utc": "1", "name": "Ann", "extra": {"mail": "ann"}}'),
('{"id": "c2", "version": "0.5.0", "creation_utc": "2", "name": "Bob", "extra": {}}');

insert into public.pgtap_c_customer_tag_associations (data)
values
('{"id": "t1", "creation_utc": "1", "customer_id": "c1", "tag_id": "gold"}'),
('{"id": "t2", "creation_utc": "1", "customer_id": "c2", "tag_id": "gold"}');

insert into public.pgtap_v_values (data)
values
('{"id": "v1", "creation_utc": "1", "variable_id": "x", "key": "c1", "data": 1}'),
('{"id": "v2", "creation_utc": "1", "variable_id": "x", "key": "c2", "data": 2}');

insert into public.pgtap_s_events_failed_migrations (id, data, reason, failed_at)
values
('f1', '{"id": "f1", "session_id": "s1"}', 'rejected', '2026-01-01'),
('f2', '{"id": "f2", "session_id": "s2"}', 'rejected', '2026-03-01');

insert into public.pgtap_s_sessions_failed_migrations (id, data, reason)
values ('s3', '{"id": "s3", "customer_id": "c1"}', 'rejected');

insert into public.pgtap_c_customers_failed_migrations (id, data, reason)
values ('c1', null, 'raised: x');
$refill$;

-- parlant_count_customer_documents
select pg_temp.refill();

select is(
  public.parlant_count_customer_documents('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1'),
  '{"tables": {"pgtap_s_events": 3, "pgtap_s_events_failed_migrations": 1, "pgtap_s_sessions": 1,
    "pgtap_s_sessions_failed_migrations": 1, "pgtap_v_values": 1, "pgtap_v_values_failed_migrations": 0,
    "pgtap_c_customer_tag_associations": 1, "pgtap_c_customer_tag_associations_failed_migrations": 0,
    "pgtap_c_customers": 1, "pgtap_c_customers_failed_migrations": 1}}'::jsonb,
  'all that is stored of a customer is counted, failed copies included'
);

select is(
  public.parlant_count_customer_documents('pgtap_s_', 'pgtap_none_', 'pgtap_none_', 'c2'),
  '{"tables": {"pgtap_s_events": 1, "pgtap_s_events_failed_migrations": 1, "pgtap_s_sessions": 1,
    "pgtap_s_sessions_failed_migrations": 0}}'::jsonb,
  'a store that is not there holds nothing'
);

select is(
  (
    select sum(t.value::integer)
    from jsonb_each_text(public.parlant_count_customer_documents(
      'pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'nobody'
    ) -> 'tables') as t
  ),
  0::bigint,
  'nothing is stored of a customer who is unknown'
);

-- parlant_count_session_documents
select pg_temp.refill();

select is(
  public.parlant_count_session_documents('pgtap_s_', 's1'),
  '{"tables": {"pgtap_s_events": 3, "pgtap_s_events_failed_migrations": 1, "pgtap_s_sessions": 1,
    "pgtap_s_sessions_failed_migrations": 0}}'::jsonb,
  'a session, its events and their failed copies are counted'
);

-- parlant_erase_session
select pg_temp.refill();

select is(
  public.parlant_erase_session('pgtap_s_', 's1', 2),
  '{"erased": {"pgtap_s_events": 2}, "done": false}'::jsonb,
  'a call erases no more rows than its limit'
);

select ok(
  exists (
    select from public.pgtap_s_sessions as s
    where s.id = 's1'
  ),
  'the session stays until its last event has gone'
);

select is(
  public.parlant_erase_session('pgtap_s_', 's1', 20000, '2026-01-01T00:00:00+00:00'),
  '{"erased": {}, "done": true}'::jsonb,
  'a session with an event since then is left alone'
);

select is(
  public.parlant_erase_session('pgtap_s_', 's1'),
  '{"erased": {"pgtap_s_events": 1, "pgtap_s_events_failed_migrations": 1, "pgtap_s_sessions": 1,
    "pgtap_s_sessions_failed_migrations": 0}, "done": true}'::jsonb,
  'the next call erases the rest'
);

select is(
  (select array_agg(e.id) from public.pgtap_s_events as e), '{e4}', 'events of other sessions stay'
);

select is(
  (select array_agg(f.id) from public.pgtap_s_events_failed_migrations as f),
  '{f2}',
  'and so do their failed copies'
);

select is(
  public.parlant_erase_session('pgtap_s_', 's1') -> 'done', 'true', 'there is nothing to erase twice'
);

select throws_ok(
  $$select public.parlant_erase_session('pgtap_s_', 's1', 50001)$$,
  'PD008', 'the limit must be between 1 and 50000 rows, got 50001',
  'more rows than a statement has time for are refused'
);

-- parlant_erase_customer
select pg_temp.refill();

select is(
  public.parlant_erase_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1'),
  '{"erased": {"pgtap_s_events": 3, "pgtap_s_events_failed_migrations": 1, "pgtap_s_sessions": 1,
    "pgtap_s_sessions_failed_migrations": 1}, "done": false}'::jsonb,
  'the sessions go first'
);

select is(
  public.parlant_erase_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 2),
  '{"erased": {"pgtap_v_values": 1, "pgtap_v_values_failed_migrations": 0,
    "pgtap_c_customer_tag_associations": 1}, "done": false}'::jsonb,
  'then values and tags, no more than the limit'
);

select ok(
  exists (
    select from public.pgtap_c_customers as c
    where c.id = 'c1'
  ),
  'the customer is there until the end, so that an interrupted erasure is found again'
);

select is(
  public.parlant_erase_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1') -> 'done',
  'true',
  'the customer goes last'
);

select is(
  (
    select sum(t.value::integer)
    from
      jsonb_each_text(
        public.parlant_count_customer_documents('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1') -> 'tables'
      ) as t
  ),
  0::bigint,
  'nothing is left'
);

select is(
  (
    select sum(t.value::integer)
    from jsonb_each_text(public.parlant_count_customer_documents(
      'pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c2'
    ) -> 'tables') as t
  ),
  6::bigint,
  'of another customer everything is left'
);

select throws_ok(
  $$select public.parlant_erase_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'guest')$$,
  'PD008', 'the guest is not one customer but everybody without a name',
  'the guest is refused'
);

select throws_ok(
  $$select public.parlant_erase_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', '')$$,
  'PD008', 'the customer''s id is empty',
  'an empty id is refused'
);

-- parlant_anonymize_customer
select pg_temp.refill();

select is(
  public.parlant_anonymize_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 'x7', true, 2),
  '{"changed": {"pgtap_s_events": 2}, "done": false}'::jsonb,
  'a call changes no more events than its limit'
);

select is(
  public.parlant_anonymize_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 'x7', true) -> 'done',
  'false',
  'the rest of the sessions'
);

select is(
  public.parlant_anonymize_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 'x7', true) -> 'done',
  'true',
  'the customer'
);

select is(
  (
    select e.data -> 'data' from public.pgtap_s_events as e
    where e.id = 'e1'
  ),
  '{"message": "I am Ann", "participant": {"id": "x7", "display_name": "Anonymous"}}'::jsonb,
  'a message is kept if that was asked for, without the name'
);

select is(
  (
    select e.data -> 'data' from public.pgtap_s_events as e
    where e.id = 'e2'
  ),
  '{"tool_calls": [{"tool_id": "shop:find", "arguments": {}, "result": {"data": null, "metadata": {},
    "control": {}, "canned_responses": [], "canned_response_fields": {}}}]}'::jsonb,
  'a tool call is kept without arguments and result'
);

select is(
  (
    select e.data #>> '{data,message}' from public.pgtap_s_events as e
    where e.id = 'e3'
  ),
  '[removed]',
  'a deleted message is not kept'
);

select is(
  (
    select s.data from public.pgtap_s_sessions as s
    where s.id = 's1'
  ),
  '{"id": "s1", "version": "0.9.0", "creation_utc": "2026-01-01T00:00:00+00:00", "agent_id": "a1",
    "customer_id": "x7", "title": null, "metadata": {}, "labels": ["vip"]}'::jsonb,
  'a session keeps what says nothing of the customer'
);

select is(
  (
    select c.data -> 'name' from public.pgtap_c_customers as c
    where c.id = 'x7'
  ),
  '"Anonymous"',
  'an anonymous customer takes the place of the customer'
);

select is(
  (
    select sum(t.value::integer)
    from
      jsonb_each_text(
        public.parlant_count_customer_documents('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1') -> 'tables'
      ) as t
  ),
  0::bigint,
  'nothing is left of the customer'
);

select throws_ok(
  $$select public.parlant_anonymize_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c2', 'c2', true)$$,
  'PD008', 'the anonymous id is the customer''s own',
  'the customer''s own id is no anonymous one'
);

select throws_ok(
  $$select public.parlant_anonymize_customer('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'guest', 'x8', true)$$,
  'PD008', 'the guest is not one customer but everybody without a name',
  'the guest is refused'
);

-- parlant_list_customer_failed_documents
select pg_temp.refill();

select is(
  public.parlant_list_customer_failed_documents('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 'events')
  #> '{documents,0,data}',
  '{"id": "f1", "session_id": "s1"}'::jsonb,
  'failed copies of a customer''s events'
);

select is(
  jsonb_array_length(
    public.parlant_list_customer_failed_documents('pgtap_s_', 'pgtap_c_', 'pgtap_v_', 'c1', 'customers')
    -> 'documents'
  ),
  1,
  'a failed copy without data is found by its id'
);

select is(
  public.parlant_list_customer_failed_documents('pgtap_s_', 'pgtap_none_', 'pgtap_none_', 'c1', 'customers'),
  '{"documents": [], "next": null}'::jsonb,
  'a store that is not there holds none'
);

-- parlant_list_expired_sessions
select pg_temp.refill();

select is(
  public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', '2026-01-15T00:00:00+00:00'),
  '{"sessions": [{"id": "s1", "events": 3}], "next": null}'::jsonb,
  'a session expires by its last event'
);

select is(
  public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', '2026-03-01T00:00:00+00:00', p_limit => 1)
  -> 'next',
  '"s1"',
  'a page says where the next one begins'
);

select is(
  public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', '2026-03-01T00:00:00+00:00', p_after => 's1')
  #> '{sessions,0,id}',
  '"s2"',
  'which is after its last session'
);

select is(
  public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', '2026-03-01T00:00:00+00:00', '{gold}')
  -> 'sessions',
  '[]',
  'sessions of customers with a tag are kept'
);

select is(
  public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', '2026-03-01T00:00:00+00:00', null, '{vip}')
  -> 'sessions',
  '[{"id": "s1", "events": 3}]'::jsonb,
  'only sessions with a label'
);

select throws_ok(
  $$select public.parlant_list_expired_sessions('pgtap_s_', 'pgtap_c_', 'yesterday')$$,
  'PD008', 'the time is not one in ISO 8601 with the offset +00:00',
  'a time of another form is refused'
);

-- parlant_expire_failed_documents
select pg_temp.refill();

select is(
  public.parlant_expire_failed_documents('pgtap_s_', '2026-02-01'),
  '{"erased": {"pgtap_s_events_failed_migrations": 1}, "done": true}'::jsonb,
  'documents that failed before a time go'
);

select is(
  (select array_agg(f.id) from public.pgtap_s_events_failed_migrations as f),
  '{f2}',
  'later ones stay'
);

select is(
  public.parlant_expire_failed_documents('pgtap_s_', '2026-02-01') -> 'erased',
  '{}',
  'there is nothing to delete twice'
);

select f.line from finish() as f (line);
rollback;
