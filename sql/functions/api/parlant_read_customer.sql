-- purpose:       Reads a customer with its tags.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}
-- raises:        PD004 collection not found
-- example:       select public.parlant_read_customer('parlant_customers_', 'c1');
create or replace function public.parlant_read_customer(p_prefix text, p_customer_id text)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_read_customer(text, text) is
'A Parlant customer with its tags.';

revoke all on function public.parlant_read_customer(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_read_customer(text, text) to service_role;
