-- purpose:    Refuses a function that cannot be carried out together with other calls: it changes
--             something, and write_targets() does not know what. Holding what others have locked in the
--             same transaction, it might wait for somebody who waits for them.
-- p_function: the function's name without "parlant_"
-- returns:    nothing
-- raises:     55P03 lock not available
create or replace function parlant_internal.require_batchable(p_function text)
returns void
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from parlant_internal.write_targets() as w where w.function = p_function)
    and exists (
      select from pg_catalog.pg_proc as p
      where
        p.pronamespace = 'public'::regnamespace
        and p.proname = 'parlant_' || p_function
        and p.provolatile = 'v'
    )
  then
    raise lock_not_available using
      message = format('parlant_%s cannot be carried out together with other calls', p_function),
      hint = 'Send this call by itself.';
  end if;
end;
$$;

comment on function parlant_internal.require_batchable(text) is
'Refuses a function that cannot be carried out together with other calls.';

revoke all on function parlant_internal.require_batchable(text) from public, anon, authenticated;
grant execute on function parlant_internal.require_batchable(text) to service_role;
