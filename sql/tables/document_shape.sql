-- The shape of every collection's table. It never holds rows: tables are made `like` it.
--   data  the document, the only truth; derive_columns() fills the columns before it from data
--   seq   order of insertion, which decides among several matches of find_one, update_one, delete_one
-- Text is compared by code point (collate "C") whatever the database's locale, as Python does.
create table if not exists parlant_internal.document_shape (
  id text collate "C" not null primary key,
  version text collate "C" not null default '',
  creation_utc text collate "C" not null default '',
  session_id text collate "C",
  customer_id text collate "C",
  agent_id text collate "C",
  data jsonb not null,
  seq bigint generated always as identity
);

create index if not exists document_shape_creation_utc_id_idx
on parlant_internal.document_shape (creation_utc, id);

create index if not exists document_shape_version_seq_idx
on parlant_internal.document_shape (version, seq);

comment on table parlant_internal.document_shape is
'Shape of a collection''s table; holds no rows.';

alter table parlant_internal.document_shape enable row level security;
revoke all on table parlant_internal.document_shape from public, anon, authenticated;
