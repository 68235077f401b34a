-- purpose:           Counts all that is stored of a customer, failed copies included: sessions with their
--                    events, values of context variables, tags and the customer.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- p_customer_id:     the customer's id
-- returns:           {"tables": {table name: int, ...}}, tables without such rows among them
-- raises:            nothing
-- example:           select public.parlant_count_customer_documents(
--                      'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c1');
create or replace function public.parlant_count_customer_documents(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'tables', parlant_internal.count_personal_rows(
      p_session_prefix,
      p_customer_prefix,
      p_variable_prefix,
      p_customer_id,
      parlant_internal.sessions_of_customer(p_session_prefix, p_customer_id, null)));
end;
$$;

comment on function public.parlant_count_customer_documents(text, text, text, text) is
'Number of documents of a customer, by table.';

revoke all on function public.parlant_count_customer_documents(text, text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_count_customer_documents(text, text, text, text)
to service_role;
