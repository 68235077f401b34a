-- purpose:           Takes a customer out of the conversations and keeps these for statistics, a bounded
--                    number of rows at a time. Names, titles, metadata, arguments and results of tools,
--                    values of context variables, tags and failed copies go; a new customer called Anonymous
--                    takes the place of the old one. It cannot be undone.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- p_customer_id:     the customer's id
-- p_anonymous_id:    the id that takes its place, which must say nothing of the customer; the same in each
--                    call
-- p_keep_messages:   whether the texts of messages stay, those that were deleted apart
-- p_limit:           about how many rows to change at most; 1 to 50,000
-- returns:           {"changed": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:            PD004 collection not found, PD008 invalid argument, also for the guest
-- example:           select public.parlant_anonymize_customer(
--                      'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c1', 'x7',
--                      false);
create or replace function public.parlant_anonymize_customer(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text,
  p_anonymous_id text,
  p_keep_messages boolean,
  p_limit integer default 10000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_sessions constant integer := 500;
  v_customers text := parlant_internal.table_of(p_customer_prefix, 'customers');
  v_sessions text[];
  v_reply jsonb;
begin
  perform parlant_internal.require_erasure_limit(p_limit);
  perform parlant_internal.refuse_guest(p_customer_id);
  perform parlant_internal.refuse_guest(p_anonymous_id);
  if p_anonymous_id = p_customer_id then
    raise exception using
      errcode = 'PD008',
      message = 'the anonymous id is the customer''s own',
      hint = 'Pass a new random id.';
  end if;

  v_sessions := parlant_internal.sessions_of_customer(p_session_prefix, p_customer_id, c_max_sessions);
  perform parlant_internal.lock_keys(
    array(
      select parlant_internal.document_key(parlant_internal.table_of(p_session_prefix, 'sessions'), i.id)
      from unnest(v_sessions) as i (id))
    || parlant_internal.document_key(v_customers, p_customer_id)
    || parlant_internal.document_key(v_customers, p_anonymous_id));

  -- Before the first session has it: a server must be able to read the customer of each session.
  execute format(
    'insert into %1$s (data) select jsonb_build_object('
    ' ''id'', $2, ''version'', c.data -> ''version'', ''creation_utc'', c.data -> ''creation_utc'','
    ' ''name'', ''Anonymous'', ''extra'', ''{}''::jsonb)'
    ' from %1$s as c where c.id = $1 on conflict do nothing',
    v_customers)
  using p_customer_id, p_anonymous_id;

  if cardinality(v_sessions) > 0 then
    return parlant_internal.anonymize_sessions(
      p_session_prefix, v_sessions, p_anonymous_id, p_keep_messages, p_limit)
      || jsonb_build_object('done', false);
  end if;

  v_reply := public.parlant_erase_customer(
    p_session_prefix, p_customer_prefix, p_variable_prefix, p_customer_id, p_limit);
  return jsonb_build_object('changed', v_reply -> 'erased', 'done', v_reply -> 'done');
end;
$$;

comment on function public.parlant_anonymize_customer(text, text, text, text, text, boolean, integer) is
'Takes a customer out of the conversations and keeps these for statistics.';

revoke all on function public.parlant_anonymize_customer(text, text, text, text, text, boolean, integer)
from public, anon, authenticated;
grant execute on function public.parlant_anonymize_customer(text, text, text, text, text, boolean, integer)
to service_role;
