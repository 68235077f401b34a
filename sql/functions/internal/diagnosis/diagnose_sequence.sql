-- purpose:  Whether the sequence of a table of ours is behind its rows, as after an import that brought
--           numbers of its own. New rows then get numbers that others have.
-- p_table:  the table
-- returns:  the statement that puts it right, or NULL if it is not behind or cannot be told
-- raises:   nothing
create or replace function parlant_internal.diagnose_sequence(p_table regclass)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence regclass := pg_get_serial_sequence(p_table::text, 'seq');
  v_greatest bigint;
begin
  if not coalesce(has_sequence_privilege(v_sequence, 'select'), false)
    or not has_table_privilege(p_table, 'select')
  then
    return null;
  end if;

  if exists (
    select from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attname = 'version' and not a.attisdropped
  ) then
    -- By the index on (version, seq), a version at a time, as there are few versions.
    execute format(
      'with recursive versions as ('
      '(select d.version from %1$s as d order by d.version limit 1)'
      ' union all'
      ' select (select d.version from %1$s as d where d.version > v.version order by d.version limit 1)'
      ' from versions as v where v.version is not null)'
      ' select max(('
      'select d.seq from %1$s as d where d.version = v.version order by d.seq desc limit 1'
      ')) from versions as v', p_table)
    into v_greatest;
  else
    execute format('select max(f.seq) from %s as f', p_table)
    into v_greatest;
  end if;

  if v_greatest > coalesce(pg_sequence_last_value(v_sequence), 0) then
    return format(
      'select setval(pg_get_serial_sequence(%L, ''seq''), max(seq)) from %s;', p_table, p_table);
  end if;

  return null;
end;
$$;

comment on function parlant_internal.diagnose_sequence(regclass) is
'Whether the sequence of a table of ours is behind its rows.';

revoke all on function parlant_internal.diagnose_sequence(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_sequence(regclass) to service_role;
