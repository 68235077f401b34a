-- purpose:  Refuses to adopt a table through which somebody else's code would run as our owner: a table of
--           another role, or one with a trigger of another role, who needs only the privilege to add it.
--           Rules, defaults and constraints are the table owner's, so they stay, as do the owner's triggers.
-- p_table:  the name of a relation that exists
-- returns:  nothing
-- raises:   PD007 table not ours
create or replace function parlant_internal.require_own_table(p_table name)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_owner name;
  v_kind "char";
  v_triggers text;
  v_remedies text;
begin
  select r.rolname, c.relkind into v_owner, v_kind
  from pg_catalog.pg_class as c
  join pg_catalog.pg_roles as r on r.oid = c.relowner
  where c.oid = v_table::regclass;

  if v_owner <> current_user then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and belongs to the role %I', p_table, v_owner),
      detail = format('Only tables of %I are adopted: what others put on theirs would run in its name.', current_user),
      hint = format(
        'If you know the table, run "alter table %s owner to %I". Else use another table_prefix.',
        v_table, current_user);
  end if;

  -- The caller refuses whatever is no table.
  if v_kind <> 'r' then
    return;
  end if;

  -- Nobody can add a trigger after the look at them.
  execute format('lock table %s in share row exclusive mode', v_table);

  select
    string_agg(format('%I, which calls %s of %I', t.tgname, p.oid::regprocedure, r.rolname), '; ' order by t.tgname),
    string_agg(format('drop trigger %I on %s', t.tgname, v_table), '; ' order by t.tgname)
  into v_triggers, v_remedies
  from pg_catalog.pg_trigger as t
  join pg_catalog.pg_proc as p on p.oid = t.tgfoid
  join pg_catalog.pg_roles as r on r.oid = p.proowner
  where t.tgrelid = v_table::regclass and not t.tgisinternal
    -- A superuser, as of what extensions bring, has no need of our owner's rights.
    and r.rolname <> current_user and not r.rolsuper;

  if v_triggers is not null then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and has triggers of another role', p_table),
      detail = format('Their code would run as %I: %s.', current_user, v_triggers),
      hint = format('Run "%s", or use another table_prefix.', v_remedies);
  end if;
end;
$$;

comment on function parlant_internal.require_own_table(name) is
'Refuses to adopt a table through which code of somebody else would run.';

revoke all on function parlant_internal.require_own_table(name)
from public, anon, authenticated, service_role;
