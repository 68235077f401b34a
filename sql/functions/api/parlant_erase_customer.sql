-- purpose:           Erases all that is stored of a customer, failed copies included, a bounded number of
--                    rows at a time: the sessions with their events, then values of context variables and
--                    tags, and the customer last, so that an erasure that was interrupted is found again.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- p_customer_id:     the customer's id
-- p_limit:           about how many rows to delete at most; 1 to 50,000
-- returns:           {"erased": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:            PD008 invalid argument, also for the guest, who is many people
-- example:           select public.parlant_erase_customer(
--                      'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c1');
create or replace function public.parlant_erase_customer(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text,
  p_limit integer default 20000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Each session is locked by a key until the end of the call.
  c_max_sessions constant integer := 500;
  v_sessions text[];
  v_key bigint;
  v_left bigint := p_limit;
  v_table record;
  v_count bigint;
  v_erased jsonb := '{}';
begin
  perform parlant_internal.require_erasure_limit(p_limit);
  perform parlant_internal.refuse_guest(p_customer_id);

  v_sessions := parlant_internal.sessions_of_customer(p_session_prefix, p_customer_id, c_max_sessions);
  if cardinality(v_sessions) > 0 then
    return parlant_internal.erase_sessions(p_session_prefix, v_sessions, p_limit)
      || jsonb_build_object('done', false);
  end if;

  select parlant_internal.document_key(t.table_name, p_customer_id) into v_key
  from parlant_internal.personal_tables(null, p_customer_prefix, null) as t
  where t.collection = 'customers' and not t.is_failed;
  perform parlant_internal.lock_keys(array[v_key]);

  for v_table in
    select t.collection, t.is_failed, t.table_name, parlant_internal.name_of(t.table_name) as name
    from parlant_internal.personal_tables(p_session_prefix, p_customer_prefix, p_variable_prefix) as t
    where t.collection not in ('events', 'sessions')
  loop
    if v_table.collection = 'customers' and not v_table.is_failed then
      execute format('delete from %s as a where a.id = $1', v_table.table_name) using p_customer_id;
      get diagnostics v_count = row_count;
    else
      v_count := parlant_internal.erase_rows(
        v_table.table_name, v_table.collection, v_table.is_failed, p_customer_id, null, v_left);
    end if;

    v_left := v_left - v_count;
    v_erased := v_erased || jsonb_build_object(v_table.name, v_count);
    if v_left <= 0 then
      return jsonb_build_object('erased', v_erased, 'done', false);
    end if;
  end loop;

  return jsonb_build_object(
    'erased', v_erased,
    'done', parlant_internal.is_erased(
      p_session_prefix, p_customer_prefix, p_variable_prefix, p_customer_id, null));
end;
$$;

comment on function public.parlant_erase_customer(text, text, text, text, integer) is
'Erases all that is stored of a customer, a bounded number of rows at a time.';

revoke all on function public.parlant_erase_customer(text, text, text, text, integer)
from public, anon, authenticated;
grant execute on function public.parlant_erase_customer(text, text, text, text, integer)
to service_role;
