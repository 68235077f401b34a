-- purpose:       Gives a customer a tag, unless it has it.
-- p_prefix:      the store's table prefix
-- p_association: the association to insert, with "customer_id" and "tag_id"
-- returns:       {"inserted": bool | null}; false if the customer has the tag, null if there is no such
--                customer
-- raises:        PD002 invalid document, PD003 duplicate document, PD004 collection not found
-- example:       select public.parlant_upsert_customer_tag(
--                  'parlant_customers_', '{"id": "a1", "customer_id": "c1", "tag_id": "vip"}');
create or replace function public.parlant_upsert_customer_tag(p_prefix text, p_association jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'inserted', parlant_internal.insert_tag(p_prefix, 'customer', p_association));
end;
$$;

comment on function public.parlant_upsert_customer_tag(text, jsonb) is
'Gives a Parlant customer a tag.';

revoke all on function public.parlant_upsert_customer_tag(text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_upsert_customer_tag(text, jsonb) to service_role;
