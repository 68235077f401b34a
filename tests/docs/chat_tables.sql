-- A layout that the earlier adapter allowed: one prefix for the tables of several stores.
create table chat_sessions (
  id text primary key,
  version text,
  creation_utc text,
  session_id text,
  customer_id text,
  agent_id text,
  data jsonb not null
);
create table chat_events (like chat_sessions including all);
create table chat_customers (like chat_sessions including all);

insert into chat_sessions (id, data) values ('cs1', '{"id": "cs1", "version": "0.9.0",
  "creation_utc": "2026-01-01T00:00:00+00:00", "customer_id": "cc1", "agent_id": "a", "mode": "auto", "title": null,
  "consumption_offsets": {"client": 0}, "agent_states": [], "metadata": {}, "labels": []}');
insert into chat_events (id, data) values ('ce1', '{"id": "ce1", "version": "0.9.0",
  "creation_utc": "2026-01-01T00:00:01+00:00", "session_id": "cs1", "source": "customer", "kind": "message", "offset": 0,
  "trace_id": "t", "data": {"message": "Hello", "participant": {"display_name": "Ann"}}, "metadata": {},
  "deleted": false}');
insert into chat_customers (id, data) values ('cc1', '{"id": "cc1", "version": "0.1.0"}');
