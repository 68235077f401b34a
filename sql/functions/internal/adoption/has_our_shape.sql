-- purpose:  Whether a table that adopt_table() could adopt is one of ours already: its columns are as
--           document_shape has them, and the trigger fills them.
-- p_table:  the table
-- returns:  true or false
-- raises:   nothing
create or replace function parlant_internal.has_our_shape(p_table regclass)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return not exists (
    select from pg_catalog.pg_attribute as s
    left join pg_catalog.pg_attribute as a
      on a.attrelid = p_table
        and a.attname = s.attname and a.attcollation = s.attcollation and a.attnotnull = s.attnotnull
    where s.attrelid = 'parlant_internal.document_shape'::regclass
      and s.attnum > 0
      and a.attname is null
  )
  and exists (
    select from pg_catalog.pg_trigger as t
    where t.tgrelid = p_table
      and t.tgfoid = 'parlant_internal.derive_columns'::regproc
      and t.tgenabled in ('O', 'A')
  );
end;
$$;

comment on function parlant_internal.has_our_shape(regclass) is
'Whether a table is one of ours already.';

revoke all on function parlant_internal.has_our_shape(regclass)
from public, anon, authenticated, service_role;
