-- purpose:        Inserts a customer with its tags, unless the same customer, but for creation_utc, is there.
-- p_prefix:       the store's table prefix
-- p_customer:     the customer
-- p_associations: JSON array of the associations with its tags
-- returns:        {"created": bool}
-- raises:         PD002 invalid document, PD003 duplicate document, PD004 collection not found,
--                 PD008 invalid argument
-- example:        select public.parlant_create_customer('parlant_customers_', '{"id": "c1", "name": "Ann"}');
--
-- Lock order, here and wherever a customer and its tags change together: the customer first, then the tags.
create or replace function public.parlant_create_customer(
  p_prefix text,
  p_customer jsonb,
  p_associations jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, 'customers');
  v_associations text := parlant_internal.table_of(p_prefix, 'customer_tag_associations');
  v_customer jsonb := parlant_internal.read_document(p_customer);
  v_created boolean;
begin
  perform parlant_internal.require_list(coalesce(p_associations, '[]'), 'associations', 'Write [{"id": "...", ...}].', 200);
  perform parlant_internal.lock_keys(
    parlant_internal.document_key(v_table, v_customer ->> 'id') || array(
      select parlant_internal.document_key(v_associations, a.value ->> 'id')
      from jsonb_array_elements(p_associations) as a));

  v_created := parlant_internal.insert_document(v_table, v_customer);
  if v_created then
    perform parlant_internal.insert_document(v_associations, a.value)
    from jsonb_array_elements(p_associations) as a;
  end if;

  return jsonb_build_object('created', v_created);
end;
$$;

comment on function public.parlant_create_customer(text, jsonb, jsonb) is
'Inserts a Parlant customer with its tags.';

revoke all on function public.parlant_create_customer(text, jsonb, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_create_customer(text, jsonb, jsonb) to service_role;
