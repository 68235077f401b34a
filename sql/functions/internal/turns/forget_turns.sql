-- purpose:       Forgets the turns of sessions that are deleted. The caller holds the sessions' keys, so
--                whoever else holds one of the rows waits for nobody. Without ids, where it holds none, rows
--                that somebody holds are passed over. A role that may not write turns leaves them to the next
--                claim, which forgets the turns of sessions that are gone.
-- p_prefix:      the session store's table prefix
-- p_session_ids: the sessions' ids; NULL for all of that prefix
-- returns:       nothing
-- raises:        nothing
create or replace function parlant_internal.forget_turns(p_prefix text, p_session_ids text[] default null)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if not has_table_privilege('parlant_internal.turns', 'delete') then
    return;
  end if;

  if p_session_ids is not null then
    delete from parlant_internal.turns as t
    where t.prefix = p_prefix and t.session_id = any (p_session_ids);
    return;
  end if;

  delete from parlant_internal.turns as t
  where t.ctid = any (array(
    select a.ctid from parlant_internal.turns as a
    where a.prefix = p_prefix
    for update skip locked));
end;
$$;

comment on function parlant_internal.forget_turns(text, text[]) is
'Forgets the turns of sessions that are deleted.';

revoke all on function parlant_internal.forget_turns(text, text[]) from public, anon, authenticated;
grant execute on function parlant_internal.forget_turns(text, text[]) to service_role;
