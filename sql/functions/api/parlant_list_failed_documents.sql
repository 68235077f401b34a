-- purpose:      Reads the failed documents of a collection in the order in which they failed, page by page.
--               A page ends at 500 documents or past 4 MB.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_after:      "next" of the page before, or NULL for the first
-- p_with_data:  whether to return the documents themselves, too
-- returns:      {"documents": [{"seq": int, "id": text | null, "version": text | null, "reason": text,
--               "failed_at": text, "data": {...}}, ...], "next": int | null}; seq tells failed documents
--               apart, as one may fail more than once
-- raises:       PD004 collection not found
-- example:      select public.parlant_list_failed_documents('parlant_sessions_', 'events');
create or replace function public.parlant_list_failed_documents(
  p_prefix text,
  p_collection text,
  p_after bigint default null,
  p_with_data boolean default false
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
  v_row record;
  v_characters integer := 0;
  v_documents jsonb[] := '{}';
begin
  for v_row in execute format(
    'select f.seq, f.id, f.data, f.reason, f.failed_at from %s as f'
    ' where $1 is null or f.seq > $1 order by f.seq limit $2',
    parlant_internal.failed_table_of(p_prefix, p_collection))
  using p_after, c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_documents := v_documents || jsonb_build_object(
      'seq', v_row.seq,
      'id', v_row.id,
      'version', v_row.data ->> 'version',
      'reason', v_row.reason,
      'failed_at', v_row.failed_at);
    if p_with_data then
      v_characters := v_characters + coalesce(length(v_row.data::text), 0);
      v_documents[cardinality(v_documents)] := v_documents[cardinality(v_documents)]
        || jsonb_build_object('data', v_row.data);
    end if;
    p_after := v_row.seq;
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function public.parlant_list_failed_documents(text, text, bigint, boolean) is
'Failed documents of a Parlant document collection, page by page.';

revoke all on function public.parlant_list_failed_documents(text, text, bigint, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_list_failed_documents(text, text, bigint, boolean)
to service_role;
