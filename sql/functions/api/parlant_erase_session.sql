-- purpose:      Erases a session with all its events, also those marked as deleted, and the failed copies of
--               these, a bounded number of rows at a time. The session goes last: what an agent adds
--               meanwhile is erased too, or is refused for want of a session.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_limit:      about how many rows to delete at most; 1 to 50,000
-- p_idle_since: leave the session alone if it has an event of this time or later, in ISO 8601; NULL to erase
--               it in any case
-- returns:      {"erased": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:       PD008 invalid argument
-- example:      select public.parlant_erase_session('parlant_sessions_', 's1');
create or replace function public.parlant_erase_session(
  p_prefix text,
  p_session_id text,
  p_limit integer default 20000,
  p_idle_since text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform parlant_internal.require_erasure_limit(p_limit);

  if p_idle_since is not null
    and parlant_internal.has_event_since(p_prefix, p_session_id, p_idle_since)
  then
    return jsonb_build_object('erased', '{}'::jsonb, 'done', true);
  end if;

  return parlant_internal.erase_sessions(p_prefix, array[p_session_id], p_limit);
end;
$$;

comment on function public.parlant_erase_session(text, text, integer, text) is
'Erases a Parlant session with its events, a bounded number of rows at a time.';

revoke all on function public.parlant_erase_session(text, text, integer, text)
from public, anon, authenticated;
grant execute on function public.parlant_erase_session(text, text, integer, text) to service_role;
