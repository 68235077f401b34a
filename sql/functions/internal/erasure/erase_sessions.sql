-- purpose:          Erases sessions with their events, failed copies included, a bounded number of rows at a
--                   time. It holds the keys of the sessions from the beginning, so that nobody adds an
--                   event meanwhile. The sessions themselves go after their last events: an event that
--                   somebody holds is waited for by the next call.
-- p_session_prefix: table prefix of the session store
-- p_session_ids:    the sessions' ids, at most 1,000
-- p_limit:          about how many rows to delete at most
-- returns:          {"erased": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:           PD008 invalid argument
create or replace function parlant_internal.erase_sessions(
  p_session_prefix text,
  p_session_ids text[],
  p_limit bigint
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text;
  v_left bigint := p_limit;
  v_table record;
  v_count bigint;
  v_erased jsonb := '{}';
begin
  select t.table_name into v_sessions
  from parlant_internal.personal_tables(p_session_prefix, null, null) as t
  where t.collection = 'sessions' and not t.is_failed;
  if v_sessions is not null then
    perform parlant_internal.lock_keys(array(
      select parlant_internal.document_key(v_sessions, i.id) from unnest(p_session_ids) as i (id)));
  end if;

  -- Whoever holds a session without its key waits for nobody; any other row may be of somebody who does.
  for v_table in
    select t.collection, t.is_failed, t.table_name, t.condition, parlant_internal.name_of(t.table_name) as name
    from parlant_internal.personal_tables(p_session_prefix, null, null) as t
  loop
    if v_table.table_name = v_sessions then
      execute format('delete from %s as a where %s', v_table.table_name, v_table.condition)
      using null::text, p_session_ids;
      get diagnostics v_count = row_count;
      perform parlant_internal.forget_turns(p_session_prefix, p_session_ids);
    else
      v_count := parlant_internal.erase_rows(
        v_table.table_name, v_table.collection, v_table.is_failed, null, p_session_ids, greatest(v_left, 0));
    end if;

    v_left := v_left - v_count;
    v_erased := v_erased || jsonb_build_object(v_table.name, v_count);
    if v_table.table_name is distinct from v_sessions
      and parlant_internal.has_rows_left(
        v_table.table_name, v_table.collection, v_table.is_failed, null, p_session_ids, p_waits => v_left = p_limit)
    then
      return jsonb_build_object('erased', v_erased, 'done', false);
    end if;
  end loop;

  return jsonb_build_object(
    'erased', v_erased,
    'done', parlant_internal.is_erased(p_session_prefix, null, null, null, p_session_ids));
end;
$$;

comment on function parlant_internal.erase_sessions(text, text[], bigint) is
'Erases sessions with their events, a bounded number of rows at a time.';

revoke all on function parlant_internal.erase_sessions(text, text[], bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.erase_sessions(text, text[], bigint) to service_role;
