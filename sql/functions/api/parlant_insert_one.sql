-- purpose:      Inserts a document. One with the same id and, but for creation_utc, the same content is
--               acknowledged without writing.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_document:   the document; its "id" is a string
-- returns:      {"acknowledged": true, "inserted": bool}
-- raises:       PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:      select public.parlant_insert_one(
--                 'parlant_customers_', 'customers', '{"id": "c1", "name": "Ann"}');
create or replace function public.parlant_insert_one(
  p_prefix text,
  p_collection text,
  p_document jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_document jsonb := parlant_internal.read_document(p_document);
begin
  return jsonb_build_object(
    'acknowledged', true, 'inserted', parlant_internal.insert_document(v_table, v_document));
end;
$$;

comment on function public.parlant_insert_one(text, text, jsonb) is
'Inserts a document into a Parlant document collection.';

revoke all on function public.parlant_insert_one(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_insert_one(text, text, jsonb) to service_role;
