-- purpose:  How to make the primary key of a table of ours while others write.
-- p_table:  the table
-- p_column: the column of the key
-- returns:  NULL if the table has it; otherwise statements, each on a line of its own, to be run one by one
-- raises:   nothing
create or replace function parlant_internal.key_repair(p_table regclass, p_column name)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table name;
  v_index name;
  v_is_valid boolean;
begin
  if exists (
    select
    from pg_catalog.pg_index as i
    inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = p_table and i.indisprimary and i.indnkeyatts = 1 and a.attname = p_column
  ) then
    return null;
  end if;

  select c.relname into v_table
  from pg_catalog.pg_class as c
  where c.oid = p_table;
  v_index := left(v_table::text, 28) || '_' || left(md5(v_table::text), 16) || '_pkey';

  -- One that was begun like this and failed, as where a value is there twice, is there and not valid.
  select i.indisvalid into v_is_valid
  from pg_catalog.pg_index as i
  inner join pg_catalog.pg_class as c on i.indexrelid = c.oid
  where i.indrelid = p_table and c.relname = v_index;

  return concat_ws(
    E'\n',
    case
      when v_is_valid is null
        then format('create unique index concurrently %I on %s (%I);', v_index, p_table, p_column)
      when not v_is_valid
        then format('reindex index concurrently %I.%I;', 'public', v_index)
    end,
    format('alter table %s add constraint %I primary key using index %I;', p_table, v_index, v_index));
end;
$$;

comment on function parlant_internal.key_repair(regclass, name) is
'Statements that make a table''s primary key while others write.';

revoke all on function parlant_internal.key_repair(regclass, name) from public, anon, authenticated;
grant execute on function parlant_internal.key_repair(regclass, name) to service_role;
