-- The newest turn of each session: which of several servers may write for it, and until when its server is
-- taken to be alive. Rows are written by whoever holds the session's key, or without waiting.
--   turn           names the turn and the server that takes it
--   trace_id       of the turn's events, once it has written one
--   has_begun      whether the turn has written; until then the one before it may go on
--   previous_turn  the turn that may go on until then
--   question       offset of the newest customer's message that has no answer
--   asked_at       when that message was written
--   attempts       how many servers have begun to answer it
--   lease_until    when another server may take over; null if nothing is left to do
create table if not exists parlant_internal.turns (
  prefix text collate "C" not null,
  session_id text collate "C" not null,
  turn text collate "C" not null,
  trace_id text collate "C",
  has_begun boolean not null default false,
  previous_turn text collate "C",
  question bigint,
  asked_at timestamptz,
  attempts integer not null default 1,
  lease_until timestamptz,
  primary key (prefix, session_id)
);

create index if not exists turns_due_idx
on parlant_internal.turns (prefix, lease_until)
where lease_until is not null;

comment on table parlant_internal.turns is
'The newest turn of each session, and the lease of the server that takes it.';

alter table parlant_internal.turns enable row level security;
revoke all on table parlant_internal.turns from public, anon, authenticated;
grant select, insert, update, delete on table parlant_internal.turns to service_role;
