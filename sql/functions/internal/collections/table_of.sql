-- purpose:      Finds the table of a collection in the registry.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's quoted, qualified name, for use in dynamic SQL
-- raises:       PD004 collection not found
create or replace function parlant_internal.table_of(p_prefix text, p_collection text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text;
begin
  select format('%I.%I', 'public', c.table_name) into v_table
  from parlant_internal.collections as c
  where c.prefix = p_prefix and c.collection = p_collection;

  if v_table is null then
    raise exception using
      errcode = 'PD004',
      message = format('collection %L under prefix %L does not exist', p_collection, p_prefix),
      hint = 'Open it with get_or_create_collection first.';
  end if;

  return v_table;
end;
$$;

comment on function parlant_internal.table_of(text, text) is
'Qualified table name of a registered collection.';

revoke all on function parlant_internal.table_of(text, text) from public, anon, authenticated;
grant execute on function parlant_internal.table_of(text, text) to service_role;
