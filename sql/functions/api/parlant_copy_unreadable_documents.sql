-- purpose:      Copies documents that Parlant cannot read into the table of failed documents, where people
--               find them. They stay in the collection. One that has a copy already, and one that the
--               collection does not have, is passed over.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_documents:  [{"id": text, "reason": text}, ...]; the reason is 'rejected' if the store's loader is going
--               to reject the document, else it begins with 'raised: '
-- returns:      {"copied": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_copy_unreadable_documents(
--                 'parlant_sessions_', 'events', '[{"id": "e1", "reason": "raised: KeyError"}]');
create or replace function public.parlant_copy_unreadable_documents(
  p_prefix text,
  p_collection text,
  p_documents jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_failed text := parlant_internal.failed_table_of(p_prefix, p_collection);
  v_entry jsonb;
  v_stored jsonb;
  v_copied integer := 0;
begin
  perform parlant_internal.require_list(
    p_documents, 'documents', 'Write [{"id": "...", "reason": "..."}].', 500);

  -- Nothing is unique in that table, so two servers that find the same document take turns.
  perform pg_advisory_xact_lock(hashtextextended(v_failed, 0));

  for v_entry in select e.value from jsonb_array_elements(p_documents) as e loop
    execute format(
      'select d.data from %s as d where d.id = $1 and not exists ('
      'select from %s as f where f.id = $1 and (f.data = d.data or starts_with(f.reason, ''raised'')))',
      v_table, v_failed)
    into v_stored
    using v_entry ->> 'id';

    if v_stored is not null then
      perform parlant_internal.insert_failed_document(
        v_failed, v_entry ->> 'id', v_stored, coalesce(v_entry ->> 'reason', 'unknown'), null);
      v_copied := v_copied + 1;
    end if;
  end loop;

  return jsonb_build_object('copied', v_copied);
end;
$$;

comment on function public.parlant_copy_unreadable_documents(text, text, jsonb) is
'Copies documents that Parlant cannot read to the failed ones.';

revoke all on function public.parlant_copy_unreadable_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_copy_unreadable_documents(text, text, jsonb) to service_role;
