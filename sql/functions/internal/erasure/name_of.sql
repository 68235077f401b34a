-- purpose: The bare name of a table, for a reply.
-- p_table: the table's quoted, qualified name
-- returns: the name
-- raises:  nothing
create or replace function parlant_internal.name_of(p_table text)
returns name
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select c.relname from pg_class as c where c.oid = p_table::regclass
$$;

comment on function parlant_internal.name_of(text) is
'Bare name of a table.';

revoke all on function parlant_internal.name_of(text) from public, anon, authenticated;
grant execute on function parlant_internal.name_of(text) to service_role;
