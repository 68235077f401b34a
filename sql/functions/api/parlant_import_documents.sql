-- purpose:      Inserts documents in their order, all or none of them. Those that are there already, exactly
--               as they are, are left alone, so that an import that was cut off can be run again.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [document, ...], 1,000 at most, each as an object or as its JSON text
-- p_replace:    whether a document takes the place of a different one that has its id
-- returns:      {"inserted": int, "unchanged": int, "replaced": int, "different": [id, ...]}; different are
--               those that were not written because another document has their id
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_import_documents(
--                 'parlant_customers_', 'customers', '[{"id": "c1", "name": "Ann"}]');
create or replace function public.parlant_import_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb,
  p_replace boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_document jsonb;
  v_outcome text;
  v_counts jsonb := '{"inserted": 0, "unchanged": 0, "replaced": 0}';
  v_different text[] := '{}';
begin
  perform parlant_internal.require_list(p_documents, 'documents', 'Write [{"id": "...", ...}].', 1000);
  perform parlant_internal.lock_bulk_write(v_table);
  perform parlant_internal.lock_keys(array(
    select parlant_internal.document_key(v_table, parlant_internal.read_document(e.value) ->> 'id')
    from jsonb_array_elements(p_documents) as e));

  for v_entry in select e.value from jsonb_array_elements(p_documents) as e loop
    v_document := parlant_internal.read_document(v_entry);
    v_outcome := parlant_internal.import_document(v_table, v_document, coalesce(p_replace, false));
    if v_outcome = 'different' then
      v_different := v_different || (v_document ->> 'id');
    else
      v_counts := v_counts || jsonb_build_object(v_outcome, (v_counts ->> v_outcome)::integer + 1);
    end if;
  end loop;

  return v_counts || jsonb_build_object('different', to_jsonb(v_different));
end;
$$;

comment on function public.parlant_import_documents(text, text, jsonb, boolean) is
'Inserts those of many documents that a Parlant document collection does not have yet.';

revoke all on function public.parlant_import_documents(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function public.parlant_import_documents(text, text, jsonb, boolean) to service_role;
