-- purpose:      Deletes documents from the table of a collection's failed documents. One that was rejected
--               is nowhere else.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_seqs:       [seq, ...] as parlant_list_failed_documents gives them
-- returns:      {"dropped": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_drop_failed_documents('parlant_sessions_', 'events', '[1, 2]');
create or replace function public.parlant_drop_failed_documents(
  p_prefix text,
  p_collection text,
  p_seqs jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped integer;
begin
  perform parlant_internal.require_list(p_seqs, 'seqs', 'Write [1, 2].');

  -- In the order that parlant_restore_failed_documents() keeps too.
  execute format(
    'with held as materialized ('
    'select f.seq from %1$s as f where f.seq = any ($1) order by f.seq for update)'
    ' delete from %1$s as f using held where f.seq = held.seq',
    parlant_internal.failed_table_of(p_prefix, p_collection))
  using array(select s.value::bigint from jsonb_array_elements_text(p_seqs) as s);
  get diagnostics v_dropped = row_count;

  return jsonb_build_object('dropped', v_dropped);
end;
$$;

comment on function public.parlant_drop_failed_documents(text, text, jsonb) is
'Deletes failed documents of a Parlant document collection.';

revoke all on function public.parlant_drop_failed_documents(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_drop_failed_documents(text, text, jsonb)
to service_role;
