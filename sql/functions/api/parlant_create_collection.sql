-- purpose:      Creates a collection that is not there yet.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      {"created": true}
-- raises:       PD005 collection exists, PD006 invalid table name, PD007 table not ours
-- example:      select public.parlant_create_collection('acme_', 'notes');
--
-- Tables that are there are adopted, which takes longer than a request may if they hold many rows.
create or replace function public.parlant_create_collection(p_prefix text, p_collection text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
begin
  if not parlant_internal.create_collection_tables(p_prefix, p_collection) then
    raise exception using
      errcode = 'PD005',
      message = format('collection %L under prefix %L exists', p_collection, p_prefix),
      hint = 'Open it with get_or_create_collection, or delete it first.';
  end if;

  return jsonb_build_object('created', true);
end;
$$;

comment on function public.parlant_create_collection(text, text) is
'Creates a Parlant document collection.';

revoke all on function public.parlant_create_collection(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_create_collection(text, text) to service_role;
