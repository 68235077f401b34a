-- purpose:      Reads the next documents that a store's loader has to see: those of another version than
--               the store's, or, where the store has none, every document. A page ends at 500 documents
--               or past 4 MB, so that neither side needs memory for more.
-- p_table:      the table, which table_of() names
-- p_version:    the store's version, or NULL for every document
-- p_after:      "next" of the page before, or NULL for the first
-- returns:      {"documents": [{"id", "digest", "data"}, ...], "next": {...} | null};
--               digest tells whether a document has changed since it was read
-- raises:       nothing
create or replace function parlant_internal.page_to_load(
  p_table regclass,
  p_version text,
  p_after jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  c_after constant text :=
    '(d.version, d.seq, d.id) > ($2 ->> ''version'', ($2 ->> ''seq'')::bigint, $2 ->> ''id'')';
  v_row record;
  v_text text;
  v_characters integer := 0;
  v_documents jsonb[] := '{}';
begin
  for v_row in execute format(
    case
      -- Two ranges instead of <>, so that a store of current documents is opened at the same cost
      -- whatever their number.
      when p_version is not null then
        '(select d.id, d.version, d.seq, d.data from %1$s as d where d.version < $1 and %2$s'
        ' order by d.version, d.seq, d.id limit $3)'
        ' union all '
        '(select d.id, d.version, d.seq, d.data from %1$s as d where %3$s'
        ' order by d.version, d.seq, d.id limit $3)'
      else
        'select d.id, d.version, d.seq, d.data from %1$s as d'
        ' where $2 ->> ''id'' is null or d.id > ($2 ->> ''id'') order by d.id limit $3'
    end,
    p_table,
    case when p_after is null then 'true' else c_after end,
    -- One bound, not two: an index scan begins at one of them, and walked all documents of the version.
    case when (p_after ->> 'version') collate "C" > p_version then c_after else 'd.version > $1' end)
  using p_version, p_after, c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_text := v_row.data::text;
    v_characters := v_characters + length(v_text);
    v_documents := v_documents
      || jsonb_build_object('id', v_row.id, 'digest', md5(v_text), 'data', v_row.data);
    p_after := jsonb_build_object('version', v_row.version, 'seq', v_row.seq, 'id', v_row.id);
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function parlant_internal.page_to_load(regclass, text, jsonb) is
'Next page of documents that a store''s loader has to see.';

revoke all on function parlant_internal.page_to_load(regclass, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.page_to_load(regclass, text, jsonb) to service_role;
