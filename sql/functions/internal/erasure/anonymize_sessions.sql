-- purpose:          Anonymizes sessions with their events, a bounded number of events at a time. A session
--                   changes hands after the last of its events; failed copies are deleted. The caller holds
--                   the keys of the sessions.
-- p_session_prefix: table prefix of the session store
-- p_session_ids:    the sessions' ids, at most 1,000
-- p_customer_id:    the id that takes the place of the customer's
-- p_keep_messages:  whether the texts of messages stay
-- p_limit:          the most events to change before the sessions are locked
-- returns:          {"changed": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:           PD008 invalid argument
create or replace function parlant_internal.anonymize_sessions(
  p_session_prefix text,
  p_session_ids text[],
  p_customer_id text,
  p_keep_messages boolean,
  p_limit bigint
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sessions text := parlant_internal.table_of(p_session_prefix, 'sessions');
  v_events text := parlant_internal.table_of(p_session_prefix, 'events');
  c_condition constant text :=
    'a.session_id = any ($1) and a.data <> parlant_internal.anonymized_event(a.data, $2, $3)';
  v_id text;
  v_table record;
  v_count bigint;
  v_changed bigint := 0;
  v_counts jsonb := '{}';
begin
  execute format(
    'update %1$s as d set data = parlant_internal.anonymized_event(d.data, $2, $3)'
    ' where d.ctid = any (array(select a.ctid from %1$s as a where %2$s limit $4 for update skip locked))',
    v_events, c_condition)
  using p_session_ids, p_customer_id, p_keep_messages, p_limit;
  get diagnostics v_changed = row_count;
  v_counts := jsonb_build_object(parlant_internal.name_of(v_events), v_changed);
  if v_changed >= p_limit then
    return jsonb_build_object('changed', v_counts, 'done', false);
  end if;

  for v_table in
    select t.collection, t.is_failed, t.table_name
    from parlant_internal.personal_tables(p_session_prefix, null, null) as t
    where t.is_failed
  loop
    v_count := parlant_internal.erase_rows(
      v_table.table_name, v_table.collection, v_table.is_failed, null, p_session_ids, null);
    v_changed := v_changed + v_count;
    v_counts := v_counts || jsonb_build_object(parlant_internal.name_of(v_table.table_name), v_count);
  end loop;

  -- Rows that others hold stay for the next call, which finds them as long as the session has not changed hands.
  for v_table in
    select t.collection, t.is_failed, t.table_name
    from parlant_internal.personal_tables(p_session_prefix, null, null) as t
    where t.is_failed
  loop
    if parlant_internal.has_rows_left(
      v_table.table_name, v_table.collection, v_table.is_failed, null, p_session_ids,
      p_waits => v_changed = 0)
    then
      return jsonb_build_object('changed', v_counts, 'done', false);
    end if;
  end loop;

  execute format(
    'select a.id from %s as a where %s limit 1 %s', v_events, c_condition,
    case when v_changed = 0 then 'for update' end)
  into v_id
  using p_session_ids, p_customer_id, p_keep_messages;
  if v_id is not null then
    return jsonb_build_object('changed', v_counts, 'done', false);
  end if;

  execute format(
    'update %s as d set data = d.data || jsonb_build_object('
    '''customer_id'', $2, ''title'', null, ''metadata'', ''{}''::jsonb) where d.id = any ($1)',
    v_sessions)
  using p_session_ids, p_customer_id;
  get diagnostics v_count = row_count;

  return jsonb_build_object(
    'changed', v_counts || jsonb_build_object(parlant_internal.name_of(v_sessions), v_count), 'done', true);
end;
$$;

comment on function parlant_internal.anonymize_sessions(text, text[], text, boolean, bigint) is
'Anonymizes sessions with their events.';

revoke all on function parlant_internal.anonymize_sessions(text, text[], text, boolean, bigint)
from public, anon, authenticated;
grant execute on function parlant_internal.anonymize_sessions(text, text[], text, boolean, bigint)
to service_role;
