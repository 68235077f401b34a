-- purpose:      Whether a session has an event of a time or later.
-- p_prefix:     the store's table prefix
-- p_session_id: the session's id
-- p_time:       the time in ISO 8601, as Parlant writes it
-- returns:      whether it has
-- raises:       PD004 collection not found
create or replace function parlant_internal.has_event_since(
  p_prefix text,
  p_session_id text,
  p_time text
)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found boolean;
begin
  execute format(
    'select exists (select from %s as a where a.session_id = $1 and a.creation_utc >= $2)',
    parlant_internal.table_of(p_prefix, 'events'))
  into v_found
  using p_session_id, p_time;

  return v_found;
end;
$$;

comment on function parlant_internal.has_event_since(text, text, text) is
'Whether a session has an event of a time or later.';

revoke all on function parlant_internal.has_event_since(text, text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.has_event_since(text, text, text) to service_role;
