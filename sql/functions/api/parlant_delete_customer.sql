-- purpose:       Deletes a customer with its tags.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- returns:       {"deleted": bool}
-- raises:        PD004 collection not found
-- example:       select public.parlant_delete_customer('parlant_customers_', 'c1');
create or replace function public.parlant_delete_customer(p_prefix text, p_customer_id text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'deleted', parlant_internal.delete_tagged(
      p_prefix, 'customer', p_customer_id, '{customer_tag_associations}'));
end;
$$;

comment on function public.parlant_delete_customer(text, text) is
'Deletes a Parlant customer with its tags.';

revoke all on function public.parlant_delete_customer(text, text)
from public, anon, authenticated;
grant execute on function public.parlant_delete_customer(text, text) to service_role;
