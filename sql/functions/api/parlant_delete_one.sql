-- purpose:      Deletes the first document, in order of insertion, that a filter matches. Calls at the same
--               moment with the same filter delete different documents.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_filters:    a Parlant filter; NULL or {} matches every document
-- returns:      {"deleted_count": 0 | 1, "deleted_document": {...} | null}; 0 also if row level security
--               lets the caller change the document but not delete it
-- raises:       PD001 invalid filter, PD004 collection not found
-- example:      select public.parlant_delete_one(
--                 'parlant_customers_', 'customers', '{"id": {"$eq": "c1"}}');
create or replace function public.parlant_delete_one(
  p_prefix text,
  p_collection text,
  p_filters jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_id text;
  v_document jsonb;
begin
  -- Whoever deletes at the same moment holds another match; only if all are held is there one to wait for.
  v_id := parlant_internal.lock_first_match(v_table, p_filters, null, true);

  if v_id is not null then
    execute format('delete from %s as d where d.id = $1 returning d.data', v_table)
    into v_document
    using v_id;
  end if;

  return jsonb_build_object(
    'deleted_count', case when v_document is null then 0 else 1 end,
    'deleted_document', v_document);
end;
$$;

comment on function public.parlant_delete_one(text, text, jsonb) is
'Deletes the first matching document of a Parlant document collection.';

revoke all on function public.parlant_delete_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_delete_one(text, text, jsonb) to service_role;
