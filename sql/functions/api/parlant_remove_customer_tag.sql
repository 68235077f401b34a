-- purpose:       Takes a tag from a customer.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- p_tag_id:      the tag's id
-- returns:       {"removed": bool, "document": {...} | null, "tags": [tag id, ...]}, the customer
--                after the change
-- raises:        PD004 collection not found
-- example:       select public.parlant_remove_customer_tag('parlant_customers_', 'c1', 'vip');
create or replace function public.parlant_remove_customer_tag(
  p_prefix text,
  p_customer_id text,
  p_tag_id text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_removed boolean := parlant_internal.remove_tag(p_prefix, 'customer', p_customer_id, p_tag_id);
begin
  return jsonb_build_object('removed', v_removed)
    || parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_remove_customer_tag(text, text, text) is
'Takes a tag from a Parlant customer.';

revoke all on function public.parlant_remove_customer_tag(text, text, text)
from public, anon, authenticated;
grant execute on function public.parlant_remove_customer_tag(text, text, text) to service_role;
