-- purpose:       Changes a customer: sets fields, and sets and removes keys of its extra. Changes to other
--                fields and keys at the same moment are kept.
-- p_prefix:      the store's table prefix
-- p_customer_id: the customer's id
-- p_params:      fields to set, such as the name; an extra here replaces the whole extra
-- p_set_extra:   keys of extra to set, with their values
-- p_unset_extra: keys of extra to remove; NULL for none
-- returns:       {"document": {...} | null, "tags": [tag id, ...]}, the customer after the change; null if
--                there is no such customer, or none that the caller may change
-- raises:        PD002 invalid document, PD004 collection not found
-- example:       select public.parlant_update_customer('parlant_customers_', 'c1', '{"name": "Anna"}');
create or replace function public.parlant_update_customer(
  p_prefix text,
  p_customer_id text,
  p_params jsonb default '{}',
  p_set_extra jsonb default '{}',
  p_unset_extra text[] default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_updated integer;
begin
  execute format(
    'update %s as d set data = d.data || $2 || jsonb_build_object('
    '''extra'', parlant_internal.merged_object(''extra'', (d.data || $2) -> ''extra'', $3, $4))'
    ' where d.id = $1', parlant_internal.table_of(p_prefix, 'customers'))
  using
    p_customer_id,
    parlant_internal.read_document(p_params),
    parlant_internal.read_document(p_set_extra),
    p_unset_extra;
  get diagnostics v_updated = row_count;

  if v_updated = 0 then
    return '{"document": null, "tags": []}';
  end if;

  return parlant_internal.read_tagged(p_prefix, 'customer', p_customer_id);
end;
$$;

comment on function public.parlant_update_customer(text, text, jsonb, jsonb, text[]) is
'Changes a Parlant customer.';

revoke all on function public.parlant_update_customer(text, text, jsonb, jsonb, text[])
from public, anon, authenticated;
grant execute on function public.parlant_update_customer(text, text, jsonb, jsonb, text[])
to service_role;
