-- purpose: The SQL condition under which an association or an event, alias a, is one of a customer's, a
--          variable's or a session's, spelled as the index on the owner is, be it on a column or on the
--          field.
-- p_kind:  'customer', 'variable' or 'session'
-- p_id:    SQL expression of type text for the owner's id
-- returns: text of an SQL expression
-- raises:  nothing
create or replace function parlant_internal.owner_condition(p_kind text, p_id text)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_field text := p_kind || '_id';
begin
  if parlant_internal.text_column(v_field) is not null then
    return format('a.%I = %s', v_field, p_id);
  end if;

  return format(
    '%s = %s and a.data ->> %L = %s',
    parlant_internal.order_key(format('a.data -> %L', v_field)),
    parlant_internal.order_key(format('to_jsonb(%s)', p_id)),
    v_field,
    p_id);
end;
$$;

comment on function parlant_internal.owner_condition(text, text) is
'SQL condition under which an association is one of a customer or variable.';

revoke all on function parlant_internal.owner_condition(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.owner_condition(text, text) to service_role;
