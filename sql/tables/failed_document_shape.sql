-- The shape of every <table>_failed_migrations table: documents that could not be brought to the
-- store's version. It never holds rows: tables are made `like` it, and those are never dropped.
--   reason  'rejected' (the loader returned None, the document was moved here) or
--           'raised: ...' (the loader failed, the document was copied here and stays readable)
create table if not exists parlant_internal.failed_document_shape (
  id text collate "C",
  data jsonb default '{}'::jsonb,
  reason text not null default 'unknown',
  failed_at timestamptz not null default now(),
  seq bigint generated always as identity primary key
);

create index if not exists failed_document_shape_id_idx
on parlant_internal.failed_document_shape (id);

comment on table parlant_internal.failed_document_shape is
'Shape of a collection''s table of failed documents; holds no rows.';

alter table parlant_internal.failed_document_shape enable row level security;
revoke all on table parlant_internal.failed_document_shape from public, anon, authenticated;
