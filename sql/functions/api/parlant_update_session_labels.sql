-- purpose:      Adds and removes labels of a session. Changes to other labels at the same moment are kept.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_added:      labels to add where they are missing; NULL for none
-- p_removed:    labels to remove; NULL for none
-- returns:      {"document": {...} | null}, the session after the change
-- raises:       PD002 invalid document, PD004 collection not found
-- example:      select public.parlant_update_session_labels('parlant_sessions_', 's1', '{vip}');
create or replace function public.parlant_update_session_labels(
  p_prefix text,
  p_session_id text,
  p_added text[] default '{}',
  p_removed text[] default '{}'
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
    '''labels'', parlant_internal.changed_labels(d.data -> ''labels'', $2, $3))'
    ' where d.id = $1 returning d.data', parlant_internal.table_of(p_prefix, 'sessions'))
  into v_document
  using p_session_id, p_added, p_removed;

  return jsonb_build_object('document', v_document);
end;
$$;

comment on function public.parlant_update_session_labels(text, text, text[], text[]) is
'Adds and removes labels of a Parlant session.';

revoke all on function public.parlant_update_session_labels(text, text, text[], text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_session_labels(text, text, text[], text[])
to service_role;
