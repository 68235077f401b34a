-- What people read: one row for each message, session, customer and value of a variable.
begin;
create extension if not exists pgtap with schema extensions;
select plan(23);

select views_are(
  'public',
  array[
    'parlant_messages', 'parlant_session_overview', 'parlant_customer_overview',
    'parlant_variable_overview'
  ],
  'the default stores have their views'
);

set local role service_role;

insert into public.parlant_customers_ (data)
values ('{"id": "c1", "name": "Ann", "extra": {"city": "Harbourtown"},
          "creation_utc": "2026-01-01T08:00:00+00:00"}'),
('{"id": "c2", "creation_utc": "yesterday"}');

insert into public.parlant_customers_customer_tag_associations (data)
values ('{"id": "a1", "customer_id": "c1", "tag_id": "vip"}'),
('{"id": "a2", "customer_id": "c1", "tag_id": "member"}'),
('{"id": "a3", "customer_id": "c2", "tag_id": "vip"}');

insert into public.parlant_sessions_ (data)
values (
  '{"id": "s1", "customer_id": "c1", "agent_id": "support", "title": "Où est mon colis ?", "mode": "auto",
          "labels": ["late", "angry"], "metadata": {"channel": "web"},
          "creation_utc": "2026-01-02T09:00:00+00:00"}'
),
('{"id": "s2", "customer_id": "guest", "agent_id": "support", "labels": null,
   "creation_utc": "2026-01-03T09:00:00.250000+02:00"}');

insert into public.parlant_sessions_events (data)
values
('{"id": "e0", "session_id": "s1", "offset": 0, "kind": "message", "source": "customer", "deleted": false,
   "trace_id": "t1", "creation_utc": "2026-01-02T09:00:00.500000+00:00",
   "data": {"message": "Where is it?", "participant": {"id": "c1", "display_name": "Ann"},
            "flagged": true, "tags": ["rude"]}}'),
('{"id": "e1", "session_id": "s1", "offset": 1, "kind": "status", "source": "ai_agent", "deleted": false,
   "creation_utc": "2026-01-02T09:00:01+00:00", "data": {"status": "typing", "data": {}}}'),
('{"id": "e2", "session_id": "s1", "offset": 2, "kind": "message", "source": "ai_agent", "deleted": false,
   "creation_utc": "2026-01-02T09:00:02+00:00",
   "data": {"message": "On its way.", "participant": {"id": "support", "display_name": "Support"}}}'),
('{"id": "e3", "session_id": "s1", "offset": 3, "kind": "message", "source": "ai_agent", "deleted": true,
   "creation_utc": "2026-01-02T09:00:03+00:00",
   "data": {"message": "Never said.", "participant": {"display_name": "Support"}}}'),
('{"id": "odd", "session_id": "none", "offset": "x", "kind": "message", "source": "system",
   "creation_utc": "2026-13-01T00:00:00+00:00", "data": "text"}');

insert into public.parlant_context_variables_ (data) values ('{"id": "v1", "name": "plan"}');

insert into public.parlant_context_variables_values (data)
values ('{"id": "x1", "variable_id": "v1", "key": "c1", "data": {"plan": "basic"},
          "last_modified": "2026-01-02T09:00:00+00:00"}'),
('{"id": "x2", "variable_id": "v1", "key": "tag:vip", "data": 1.5}'),
('{"id": "x3", "variable_id": "none", "key": "guest"}');

-- Messages.

select is(
  (select array_agg(m.event_id order by m.event_id) from public.parlant_messages as m),
  '{e0,e2,odd}',
  'messages are events of that kind that are not deleted'
);

select is(
  (
    select to_jsonb(m) from public.parlant_messages as m
    where m.event_id = 'e0'
  ),
  '{"session_id": "s1", "event_offset": 0, "sent_at": "2026-01-02T09:00:00.5+00:00", "who": "Ann",
    "text": "Where is it?", "source": "customer", "customer_id": "c1", "customer_name": "Ann",
    "agent_id": "support", "flagged": true, "tags": ["rude"], "trace_id": "t1", "event_id": "e0",
    "creation_utc": "2026-01-02T09:00:00.500000+00:00"}',
  'a message says when, who and what, and whose session it is in'
);

select is(
  (
    select jsonb_build_array(m.who, m.text, m.source, m.flagged, m.tags)
    from public.parlant_messages as m
    where m.event_id = 'e2'
  ),
  '["Support", "On its way.", "ai_agent", false, []]',
  'one of the agent says so'
);

select is(
  (
    select jsonb_strip_nulls(to_jsonb(m)) from public.parlant_messages as m
    where m.event_id = 'odd'
  ),
  '{"session_id": "none", "who": "system", "source": "system", "flagged": false, "tags": [],
    "event_id": "odd", "creation_utc": "2026-13-01T00:00:00+00:00"}',
  'what is not as Parlant writes it is missing and hides no other row'
);

-- A column of another type is as good as none.
insert into public.parlant_sessions_events (data)
values ('{"id": "float", "session_id": "s2", "offset": 2.0, "kind": "message", "source": "customer",
          "creation_utc": "2026-01-03T09:00:00+0000", "data": {"message": 5, "tags": {"a": 1},
          "participant": {"display_name": ""}}}');

select is(
  (
    select jsonb_build_array(m.event_offset, m.sent_at, m.who, m.text, m.tags, m.customer_id, m.customer_name)
    from public.parlant_messages as m
    where m.event_id = 'float'
  ),
  '[2, null, "customer", "5", [], "guest", "Guest"]',
  'nobody''s name is the source, and the customer whom Parlant makes up has a name'
);

update public.parlant_customers_ set data = data || '{"name": "Anna"}'
where id = 'c1'; -- noqa: RF02
select is(
  (
    select jsonb_build_array(m.who, m.customer_name) from public.parlant_messages as m
    where m.event_id = 'e0'
  ),
  '["Ann", "Anna"]',
  'a customer who has another name now had the old one then'
);

-- Sessions.

select is(
  (
    select to_jsonb(s) from public.parlant_session_overview as s
    where s.session_id = 's1'
  ),
  '{"session_id": "s1", "title": "Où est mon colis ?", "customer_id": "c1", "customer_name": "Anna",
    "agent_id": "support", "mode": "auto", "labels": ["angry", "late"], "metadata": {"channel": "web"},
    "created_at": "2026-01-02T09:00:00+00:00", "messages": 2,
    "first_message_at": "2026-01-02T09:00:00.5+00:00", "last_message_at": "2026-01-02T09:00:02+00:00",
    "last_message_from": "Support", "last_message": "On its way.",
    "creation_utc": "2026-01-02T09:00:00+00:00"}',
  'a session says whose it is, how long, and what was said last'
);

select is(
  (
    select jsonb_build_array(s.title, s.customer_name, s.labels, s.created_at, s.messages, s.last_message)
    from public.parlant_session_overview as s
    where s.session_id = 's2'
  ),
  '[null, "Guest", [], "2026-01-03T07:00:00.25+00:00", 1, "5"]',
  'one of a guest, in another time zone'
);

delete from public.parlant_sessions_events
where session_id = 's2'; -- noqa: RF02
select is(
  (
    select jsonb_build_array(s.messages, s.first_message_at, s.last_message_at, s.last_message)
    from public.parlant_session_overview as s
    where s.session_id = 's2'
  ),
  '[0, null, null, null]',
  'one without messages'
);

-- Customers.

select is(
  (
    select to_jsonb(c) from public.parlant_customer_overview as c
    where c.customer_id = 'c1'
  ),
  '{"customer_id": "c1", "name": "Anna", "tags": ["vip", "member"], "metadata": {"city": "Harbourtown"},
    "created_at": "2026-01-01T08:00:00+00:00", "sessions": 1,
    "last_session_at": "2026-01-02T09:00:00+00:00", "creation_utc": "2026-01-01T08:00:00+00:00"}',
  'a customer has tags and sessions'
);

select is(
  (
    select to_jsonb(c) from public.parlant_customer_overview as c
    where c.customer_id = 'c2'
  ),
  '{"customer_id": "c2", "name": null, "tags": ["vip"], "metadata": null, "created_at": null, "sessions": 0,
    "last_session_at": null, "creation_utc": "yesterday"}',
  'or none'
);

-- Variables.

select is(
  (select jsonb_agg(to_jsonb(v) order by v.value_id) from public.parlant_variable_overview as v),
  '[{"variable_name": "plan", "key": "c1", "customer_name": "Anna", "value": {"plan": "basic"},
     "modified_at": "2026-01-02T09:00:00+00:00", "variable_id": "v1", "value_id": "x1"},
    {"variable_name": "plan", "key": "tag:vip", "customer_name": null, "value": 1.5,
     "modified_at": null, "variable_id": "v1", "value_id": "x2"},
    {"variable_name": null, "key": "guest", "customer_name": "Guest", "value": null,
     "modified_at": null, "variable_id": "none", "value_id": "x3"}]',
  'a value says of which variable and for whom it is'
);

-- Moments.

insert into public.parlant_sessions_ (data)
select jsonb_build_object('id', m.moment, 'creation_utc', m.moment)
from (
  values
  ('2024-02-29T23:59:59Z'), ('2026-01-02T03:04:05.6-11:30'), ('2026-01-02'), ('2026-01-02T03:04:05'),
  ('2026-00-02T03:04:05Z'), ('2026-01-32T03:04:05Z'), ('2026-01-02T24:04:05Z'), ('2026-01-02T03:60:05Z'),
  ('2026-01-02T03:04:60Z'), ('2026-01-02T03:04:05+24:00'), ('now'), ('infinity')
) as m (moment);

select is(
  (
    select jsonb_object_agg(s.session_id, s.created_at)
    from public.parlant_session_overview as s
    where s.created_at is not null and s.session_id <> all('{s1,s2}')
  ),
  '{"2024-02-29T23:59:59Z": "2024-02-29T23:59:59+00:00",
    "2026-01-02T03:04:05.6-11:30": "2026-01-02T14:34:05.6+00:00"}',
  'a moment is a moment only as Parlant writes them, with its time zone'
);

-- Nothing can be written through them.

select throws_ok(
  $$delete from public.parlant_customer_overview$$, '42501', null, 'service_role may only read'
);
reset role;

-- Whoever reads, reads as oneself.

grant select on public.parlant_messages to authenticated;
set local role authenticated;
select throws_ok(
  $$select m.text from public.parlant_messages as m$$, '42501', null,
  'a grant on a view alone shows nothing'
);
reset role;

grant select on public.parlant_sessions_, public.parlant_sessions_events, public.parlant_customers_
to authenticated;
set local role authenticated;
select is_empty(
  $$select m.text from public.parlant_messages as m$$, 'nor do grants on the tables without a policy'
);
reset role;

create policy own on public.parlant_sessions_events for select to authenticated using (id = 'e0');
set local role authenticated;
select results_eq(
  $$select m.event_id, m.who, m.customer_name from public.parlant_messages as m$$,
  $$values ('e0' collate "C", 'Ann', null::text)$$,
  'a policy of the user''s own decides, table by table'
);
reset role;

-- They are as the files below sql/views/ say.

select is_empty(
  $$
    select c.relname
    from pg_catalog.pg_class as c
    where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
    and c.reloptions is distinct from '{security_invoker=true}'
  $$,
  'each asks who reads'
);

select is_empty(
  $$
    select c.relname
    from pg_catalog.pg_class as c
    where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
    and not parlant_internal.is_our_view(c.oid)
  $$,
  'each says in a comment what it shows and whose it is'
);

select ok(not parlant_internal.is_our_view('public.parlant_sessions_'), 'a table is no view of ours');
select ok(not parlant_internal.is_our_view('pg_catalog.pg_tables'), 'nor is any other view');
select ok(not parlant_internal.is_our_view(null), 'nor is what is not there');

select f.line from finish() as f (line);
rollback;
