-- purpose:          Erases sessions with their events, failed copies included, a bounded number of rows at a
--                   time. The sessions themselves go with their last events, so that what an agent adds
--                   meanwhile goes too, or is refused for want of a session.
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
  v_left bigint := p_limit;
  v_table record;
  v_count bigint;
  v_erased jsonb := '{}';
  v_sessions text;
  v_events text;
  v_events_name name;
begin
  for v_table in
    select t.collection, t.is_failed, t.table_name, t.condition, parlant_internal.name_of(t.table_name) as name
    from parlant_internal.personal_tables(p_session_prefix, null, null) as t
  loop
    if v_table.collection = 'events' then
      v_count := parlant_internal.erase_rows(
        v_table.table_name, v_table.condition, null, p_session_ids, v_left);
      v_left := v_left - v_count;
      v_erased := v_erased || jsonb_build_object(v_table.name, v_count);
      if v_left <= 0 then
        return jsonb_build_object('erased', v_erased, 'done', false);
      end if;
    end if;

    if not v_table.is_failed and v_table.collection = 'events' then
      v_events := v_table.table_name;
      v_events_name := v_table.name;
    elsif not v_table.is_failed then
      v_sessions := v_table.table_name;
    end if;
  end loop;

  if v_sessions is not null then
    perform parlant_internal.lock_keys(array(
      select parlant_internal.document_key(v_sessions, i.id) from unnest(p_session_ids) as i (id)));
  end if;

  for v_table in
    select t.table_name, t.condition, parlant_internal.name_of(t.table_name) as name
    from parlant_internal.personal_tables(p_session_prefix, null, null) as t
    where t.collection = 'sessions'
  loop
    execute format('delete from %s as a where %s', v_table.table_name, v_table.condition)
    using null::text, p_session_ids;
    get diagnostics v_count = row_count;
    v_erased := v_erased || jsonb_build_object(v_table.name, v_count);
  end loop;

  if v_events is not null then
    select coalesce(sum(m.deleted), 0) into v_count
    from unnest(p_session_ids) as i (id)
    cross join parlant_internal.delete_members(
      array[v_events], array['a.session_id = $1'], i.id) as m (deleted);
    v_erased := v_erased || jsonb_build_object(
      v_events_name, v_count + (v_erased ->> v_events_name)::bigint);
  end if;

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
