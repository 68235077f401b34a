-- purpose: Refuses a number of rows that cannot be erased within the time that a statement has.
-- p_limit: the number
-- returns: nothing
-- raises:  PD008 invalid argument
create or replace function parlant_internal.require_erasure_limit(p_limit integer)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_limit is null or p_limit not between 1 and 50000 then
    raise exception using
      errcode = 'PD008',
      message = format('the limit must be between 1 and 50000 rows, got %s', coalesce(p_limit::text, 'null')),
      hint = 'Leave it out, or pass 20000.';
  end if;
end;
$$;

comment on function parlant_internal.require_erasure_limit(integer) is
'Refuses a number of rows that cannot be erased at once.';

revoke all on function parlant_internal.require_erasure_limit(integer) from public, anon, authenticated;
grant execute on function parlant_internal.require_erasure_limit(integer) to service_role;
