-- purpose:  Blames an insert that wrote nothing, though no document has the id, on the trigger of the user's
--           own that returned NULL.
-- p_table:  the table, which table_of() or failed_table_of() names
-- returns:  nothing, if the table has no such trigger
-- raises:   PD011 insert suppressed
create or replace function parlant_internal.refuse_suppressed_insert(p_table regclass)
returns void
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Bits of pg_trigger.tgtype: for each row, before, insert.
  c_row_before_insert constant integer := 1 | 2 | 4;
  v_triggers text;
begin
  select string_agg(quote_ident(t.tgname), ', ' order by t.tgname) into v_triggers
  from pg_catalog.pg_trigger as t
  where t.tgrelid = p_table
    and not t.tgisinternal
    and t.tgenabled <> 'D'
    and t.tgtype & c_row_before_insert = c_row_before_insert
    and t.tgfoid <> 'parlant_internal.derive_columns'::regproc;

  if v_triggers is not null then
    raise exception using
      errcode = 'PD011',
      message = format('a trigger of your own on %s returned NULL, so nothing was stored', p_table),
      detail = format('Triggers before insert: %s.', v_triggers),
      hint = 'Have its function return new, or drop the trigger.';
  end if;
end;
$$;

comment on function parlant_internal.refuse_suppressed_insert(regclass) is
'Blames an insert that wrote nothing on a trigger.';

revoke all on function parlant_internal.refuse_suppressed_insert(regclass)
from public, anon, authenticated;
grant execute on function parlant_internal.refuse_suppressed_insert(regclass) to service_role;
