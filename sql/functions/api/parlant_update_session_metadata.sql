-- purpose:      Sets and removes keys of a session's metadata. Changes to other keys at the same moment are
--               kept.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_set:        keys and values to set
-- p_unset:      keys to remove; NULL for none
-- returns:      {"document": {...} | null}, the session after the change
-- raises:       PD002 invalid document, PD004 collection not found
-- example:      select public.parlant_update_session_metadata('parlant_sessions_', 's1', '{"plan": "pro"}');
create or replace function public.parlant_update_session_metadata(
  p_prefix text,
  p_session_id text,
  p_set jsonb default '{}',
  p_unset text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
begin
  execute format(
    'update %s as d set data = d.data || jsonb_build_object('
    '''metadata'', parlant_internal.merged_object(''metadata'', d.data -> ''metadata'', $2, $3))'
    ' where d.id = $1 returning d.data', parlant_internal.table_of(p_prefix, 'sessions'))
  into v_document
  using p_session_id, parlant_internal.read_document(p_set), p_unset;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_update_session_metadata(text, text, jsonb, text[]) is
'Sets and removes keys of a Parlant session''s metadata.';

revoke all on function public.parlant_update_session_metadata(text, text, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_session_metadata(text, text, jsonb, text[])
to service_role;
