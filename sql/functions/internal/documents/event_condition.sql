-- purpose:           The SQL condition for events of a session, alias d, that parlant_list_events and
--                    parlant_check_events describe by their arguments. The session's id is $1.
-- p_source:          whether there is $2, the only source
-- p_trace_id:        whether there is $3, the only trace
-- p_kinds:           whether there is $4, the kinds
-- p_min_offset:      whether there is $5, the least offset
-- p_exclude_deleted: whether to leave out deleted events
-- returns:           text of an SQL expression
-- raises:            nothing
create or replace function parlant_internal.event_condition(
  p_source boolean,
  p_trace_id boolean,
  p_kinds boolean,
  p_min_offset boolean,
  p_exclude_deleted boolean
)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return concat(
    'd.session_id = $1',
    case when p_source then ' and d.data ->> ''source'' = $2' end,
    case when p_trace_id then ' and d.data ->> ''trace_id'' = $3' end,
    case when p_kinds then ' and d.data ->> ''kind'' = any ($4)' end,
    -- Spelled as the index is.
    case when p_min_offset then
      format(' and %s >= to_jsonb($5)', parlant_internal.order_key('d.data -> ''offset'''))
    end,
    case when p_exclude_deleted then ' and d.data -> ''deleted'' = ''false''' end);
end;
$$;

comment on function parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean) is
'SQL condition for events of a session.';

revoke all on function
parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean)
from public, anon, authenticated;
grant execute on function
parlant_internal.event_condition(boolean, boolean, boolean, boolean, boolean) to service_role;
