-- purpose:      Puts failed documents that a loader has converted after all where they belong, and takes them
--               out of the table of failed documents. Nothing newer is overwritten: a document that was
--               changed or deleted since it failed is left as it is.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [{"seq": int, "data": {...}}, ...], what the loader made of each failed document
-- p_version:    the store's version
-- returns:      {"outcomes": [{"seq": int, "outcome": text}, ...]}:
--               - restored: it was rejected, and is back in the collection
--               - replaced: it had stayed in the collection, where the converted one is now
--               - settled:  the collection has had it converted already
--               and, staying in the table of failed documents,
--               - occupied: the collection has another document of its id, or has changed it since
--               - deleted:  it had stayed in the collection, and has been deleted there since
--               one that is no longer in the table of failed documents has no outcome
-- raises:       PD002 invalid document, PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_restore_failed_documents(
--                 'parlant_sessions_', 'events',
--                 '[{"seq": 1, "data": {"id": "e1", "version": "0.9.0"}}]', '0.9.0');
create or replace function public.parlant_restore_failed_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb,
  p_version text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_failed_table text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_ids text[];
  v_entry jsonb;
  v_failed record;
  v_outcome text;
  v_outcomes jsonb[] := '{}';
begin
  perform parlant_internal.require_list(
    p_documents, 'documents', 'Write [{"seq": 1, "data": {...}}].', 500);

  -- The ids of failed documents never change.
  execute format('select array(select f.id from %s as f where f.seq = any ($1))', v_failed_table)
  into v_ids
  using array(select (e.value ->> 'seq')::bigint from jsonb_array_elements(p_documents) as e);

  perform parlant_internal.lock_bulk_write(v_table);
  perform parlant_internal.lock_keys(array(
    select parlant_internal.document_key(v_table, i.id)
    from unnest(
      v_ids || array(
        select parlant_internal.read_document(e.value -> 'data') ->> 'id'
        from jsonb_array_elements(p_documents) as e)) as i (id)));

  -- In the order that parlant_drop_failed_documents() keeps too.
  for v_entry in
    select e.value from jsonb_array_elements(p_documents) as e order by (e.value ->> 'seq')::bigint
  loop
    execute format(
      'select f.seq, f.id, f.data, f.reason from %s as f where f.seq = $1 for update', v_failed_table)
    into v_failed
    using (v_entry ->> 'seq')::bigint;

    if v_failed.seq is null then
      continue;
    end if;

    v_outcome := parlant_internal.restore_document(
      v_table,
      v_failed.id,
      v_failed.data,
      starts_with(v_failed.reason, 'raised'),
      parlant_internal.read_document(v_entry -> 'data'),
      p_version);

    if v_outcome in ('restored', 'replaced', 'settled') then
      execute format('delete from %s as f where f.seq = $1', v_failed_table)
      using v_failed.seq;
    end if;

    v_outcomes := v_outcomes || jsonb_build_object('seq', v_failed.seq, 'outcome', v_outcome);
  end loop;

  return jsonb_build_object('outcomes', to_jsonb(v_outcomes));
end;
$$;

comment on function public.parlant_restore_failed_documents(text, text, jsonb, text) is
'Puts failed documents that could be converted after all back into a Parlant document collection.';

revoke all on function public.parlant_restore_failed_documents(text, text, jsonb, text)
from public, anon, authenticated;
grant execute on function public.parlant_restore_failed_documents(text, text, jsonb, text)
to service_role;
