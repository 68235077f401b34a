-- purpose:      Puts documents into the table of a collection's failed documents, in their order, all or none
--               of them, but for those that it has.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [{"id": text | null, "data": document | null, "reason": text, "failed_at": text | null},
--               ...], each document as an object or as its JSON text; without failed_at, one that failed for
--               the same reason at any time counts as there, and else it has failed now
-- returns:      {"inserted": int, "unchanged": int}
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_import_failed_documents(
--                 'parlant_sessions_', 'events',
--                 '[{"id": "e1", "data": {"id": "e1"}, "reason": "rejected"}]');
create or replace function public.parlant_import_failed_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_failed text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_document jsonb;
  v_reason text;
  v_failed_at timestamptz;
  v_exists boolean;
  v_inserted integer := 0;
begin
  perform parlant_internal.require_list(
    p_documents, 'documents', 'Write [{"id": "...", "data": {...}, "reason": "rejected"}].', 1000);

  -- Nothing is unique in that table, so two imports of the same documents take turns.
  perform pg_advisory_xact_lock(hashtextextended(v_failed, 0));

  for v_entry in select e.value from jsonb_array_elements(p_documents) as e loop
    v_document := case
      when v_entry -> 'data' <> 'null' then parlant_internal.read_document(v_entry -> 'data')
    end;
    v_reason := coalesce(v_entry ->> 'reason', 'unknown');
    v_failed_at := (v_entry ->> 'failed_at')::timestamptz;

    execute format(
      'select exists ('
      'select from %s as f'
      ' where (f.id = $1 or $1 is null and f.id is null)'
      ' and f.data::text is not distinct from $2::text'
      ' and f.reason = $3 and ($4 is null or f.failed_at = $4))', v_failed)
    into v_exists
    using v_entry ->> 'id', v_document, v_reason, v_failed_at;

    if not v_exists then
      perform parlant_internal.insert_failed_document(
        v_failed, v_entry ->> 'id', v_document, v_reason, v_failed_at);
      v_inserted := v_inserted + 1;
    end if;
  end loop;

  return jsonb_build_object(
    'inserted', v_inserted, 'unchanged', jsonb_array_length(p_documents) - v_inserted);
end;
$$;

comment on function public.parlant_import_failed_documents(text, text, jsonb) is
'Puts documents among the failed ones of a Parlant document collection.';

revoke all on function public.parlant_import_failed_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_import_failed_documents(text, text, jsonb) to service_role;
