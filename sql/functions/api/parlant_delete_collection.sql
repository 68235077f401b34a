-- purpose:      Deletes a collection with its documents. The table of its failed documents stays.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      {"deleted": true}
-- raises:       PD004 collection not found
-- example:      select public.parlant_delete_collection('parlant_sessions_', 'events');
create or replace function public.parlant_delete_collection(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform parlant_internal.drop_collection_table(p_prefix, p_collection);

  return jsonb_build_object('deleted', true);
end;
$$;

comment on function public.parlant_delete_collection(text, text) is
'Deletes a Parlant document collection.';

revoke all on function public.parlant_delete_collection(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_collection(text, text) to service_role;
