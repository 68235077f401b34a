-- purpose:       Refuses the guest, who stands for everybody without a customer of their own.
-- p_customer_id: a customer's id
-- returns:       nothing
-- raises:        PD008 invalid argument
create or replace function parlant_internal.refuse_guest(p_customer_id text)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_customer_id is null or p_customer_id in ('', 'guest') then
    raise exception using
      errcode = 'PD008',
      message = case p_customer_id
        when 'guest' then 'the guest is not one customer but everybody without a name'
        else 'the customer''s id is empty'
      end,
      hint = 'Name one customer, or erase single sessions with parlant_erase_session.';
  end if;
end;
$$;

comment on function parlant_internal.refuse_guest(text) is
'Refuses the guest, who is not one customer.';

revoke all on function parlant_internal.refuse_guest(text) from public, anon, authenticated;
grant execute on function parlant_internal.refuse_guest(text) to service_role;
