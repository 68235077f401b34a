-- purpose:     Refuses a function that cannot be carried out together with other calls: it changes
--              something, and write_targets() does not know what. Holding what others have locked in the
--              same transaction, it might wait for somebody who waits for them. So might a call that
--              writes a table with a unique index of the user's own: whoever inserts an equal value
--              waits, in whatever order.
-- p_function:  the function's name without "parlant_"
-- p_arguments: a list of the arguments of each call of it; NULL if no table has such an index
-- returns:     nothing
-- raises:      55P03 lock not available
create or replace function parlant_internal.require_batchable(p_function text, p_arguments jsonb)
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
    or exists (
      select from jsonb_array_elements(p_arguments) as a
      join parlant_internal.write_targets() as w on w.function = p_function
      join parlant_internal.collections as r
        on r.prefix = a.value ->> 'p_prefix'
          and r.collection = coalesce(w.collection, a.value ->> 'p_collection')
      cross join to_regclass(format('%I.%I', 'public', r.table_name)) as t (name)
      where parlant_internal.has_unique_index(t.name)
    )
  then
    raise lock_not_available using
      message = format('parlant_%s cannot be carried out together with other calls', p_function),
      hint = 'Send this call by itself.';
  end if;
end;
$$;

comment on function parlant_internal.require_batchable(text, jsonb) is
'Refuses a function that cannot be carried out together with other calls.';

revoke all on function parlant_internal.require_batchable(text, jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.require_batchable(text, jsonb) to service_role;
