-- purpose:      Counts all that is stored of a session, failed copies included: the session and its events.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- returns:      {"tables": {table name: int, ...}}, tables without such rows among them
-- raises:       nothing
-- example:      select public.parlant_count_session_documents('parlant_sessions_', 's1');
create or replace function public.parlant_count_session_documents(p_prefix text, p_session_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'tables', parlant_internal.count_personal_rows(p_prefix, null, null, null, array[p_session_id]));
end;
$$;

comment on function public.parlant_count_session_documents(text, text) is
'Number of documents of a session, by table.';

revoke all on function public.parlant_count_session_documents(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_count_session_documents(text, text) to service_role;
