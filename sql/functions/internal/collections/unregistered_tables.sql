-- purpose:  Finds tables of ours that the registry does not know, as after a copy of the schema without rows.
--           Their comments say of which collection they are.
-- returns:  a row for each table
-- raises:   nothing
create or replace function parlant_internal.unregistered_tables()
returns table (table_name name, prefix text, collection text)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select r.relname, m.words[2], m.words[1]
  from pg_catalog.pg_class as r
  cross join lateral regexp_match(
    obj_description(r.oid, 'pg_class'),
    '^Parlant collection (.*), prefix (.*)[.] Written by parlant-supabase[.]$') as m (words)
  where r.relnamespace = 'public'::regnamespace
    and r.relkind = 'r'
    and m.words[1] <> '' and m.words[2] <> ''
    and r.relname = parlant_internal.table_name_for(m.words[2], m.words[1])
    and not exists (
      select from parlant_internal.collections as c
      where c.table_name = r.relname
    )
  order by r.relname;
end;
$$;

comment on function parlant_internal.unregistered_tables() is
'Tables of ours that the registry does not know.';

revoke all on function parlant_internal.unregistered_tables() from public, anon, authenticated;
grant execute on function parlant_internal.unregistered_tables() to service_role;
