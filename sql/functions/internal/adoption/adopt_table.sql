-- purpose:  Turns a table that was made by hand, from the script of the earlier adapter, into one of ours.
--           Rows are kept. The script's policies that let everybody in and its indexes, which no query of
--           ours uses, are dropped; policies of the user's own are kept. A table that is ours already, and
--           only not registered, stays as it is.
-- p_table:  the name of a relation that exists
-- returns:  true if the table was made by hand, false if it was ours already
-- raises:   PD007 table not ours
create or replace function parlant_internal.adopt_table(p_table name)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('%I.%I', 'public', p_table);
  v_missing text;
  v_unreadable bigint;
  v_policies text[];
  v_statement text;
  v_message text;
  v_detail text;
begin
  perform parlant_internal.require_own_table(p_table);

  select string_agg(s.attname, ', ' order by s.attnum) into v_missing
  from pg_catalog.pg_attribute as s
  left join pg_catalog.pg_attribute as a
    on a.attrelid = v_table::regclass
      and a.attname = s.attname and a.atttypid = s.atttypid and not a.attisdropped
  where s.attrelid = 'parlant_internal.document_shape'::regclass
    and s.attnum > 0
    and s.attname <> 'seq'
    and a.attname is null;

  if v_missing is not null
    or (select c.relkind from pg_catalog.pg_class as c where c.oid = v_table::regclass) <> 'r'
    or not exists (
      select from pg_catalog.pg_index as i
      join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = v_table::regclass and i.indisprimary
        and i.indnkeyatts = 1 and a.attname = 'id'
    )
  then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and is not a table of parlant-supabase', p_table),
      detail = coalesce(
        'It lacks, with the right type: ' || v_missing || '.', 'It lacks a primary key on id.'),
      hint = 'Use another table_prefix, or rename that table.';
  end if;

  if parlant_internal.has_our_shape(v_table::regclass) then
    perform parlant_internal.index_columns(p_table);
    return false;
  end if;

  execute format(
    'select count(*) from %s as d where jsonb_typeof(d.data) is distinct from ''object''', v_table)
  into v_unreadable;
  if v_unreadable > 0 then
    raise exception using
      errcode = 'PD007',
      message = format('%I exists and cannot become a table of parlant-supabase', p_table),
      detail = format('In %s of its rows, data is not a JSON object.', v_unreadable),
      hint = 'Correct or delete those rows, or rename that table.';
  end if;

  v_policies := parlant_internal.set_aside_policies(p_table);

  for v_statement in
    select format('drop index %s', i.indexrelid::regclass)
    from unnest('{creation_utc,session_id,customer_id,agent_id,data_gin}'::text[]) as n (suffix)
    join pg_catalog.pg_class as c on c.relname = format('idx_%s_%s', p_table, n.suffix)::name
    join pg_catalog.pg_index as i on i.indexrelid = c.oid
    where i.indrelid = v_table::regclass and not i.indisunique
  loop
    execute v_statement;
  end loop;

  execute format(
    'create or replace trigger derive_columns before insert or update on %s'
    ' for each row execute function parlant_internal.derive_columns()', v_table);

  begin
    -- The earlier adapter kept the whole document in data; rows made otherwise get from their columns
    -- what data lacks. The trigger does the rest.
    execute format(
      'update %s as d set data = case jsonb_typeof(d.data -> ''id'') when ''string'' then d.data else'
      ' jsonb_strip_nulls(jsonb_build_object('
      '''version'', d.version, ''creation_utc'', d.creation_utc, ''session_id'', d.session_id,'
      ' ''customer_id'', d.customer_id, ''agent_id'', d.agent_id'
      ')) || d.data || jsonb_build_object(''id'', d.id) end'
      ' where true', v_table);

    -- After the update, because this writes the table anew and drops what the update has left behind.
    -- Not if the table was ours before: a column that a view of ours reads cannot be altered.
    if exists (
      select from pg_catalog.pg_attribute as s
      left join pg_catalog.pg_attribute as a
        on a.attrelid = v_table::regclass
          and a.attname = s.attname and a.attcollation = s.attcollation and a.attnotnull = s.attnotnull
      where s.attrelid = 'parlant_internal.document_shape'::regclass
        and s.attnum > 0
        and a.attname is null
    ) then
      execute format(
        'alter table %s'
        ' alter column id type text collate "C",'
        ' alter column version type text collate "C",'
        ' alter column version set default '''', alter column version set not null,'
        ' alter column creation_utc type text collate "C",'
        ' alter column creation_utc set default '''', alter column creation_utc set not null,'
        ' alter column session_id type text collate "C",'
        ' alter column customer_id type text collate "C",'
        ' alter column agent_id type text collate "C",'
        ' alter column data drop default, alter column data set not null,'
        ' add column if not exists seq bigint generated by default as identity', v_table);
    end if;
  exception
    when unique_violation then
      raise exception using
        errcode = 'PD007',
        message = format('%I exists and cannot become a table of parlant-supabase', p_table),
        detail = 'Two of its rows have the same id in data.',
        hint = 'Correct or delete one of them, or rename that table.';
    when feature_not_supported then
      get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail;
      raise exception using
        errcode = 'PD007',
        message = format('%I exists and cannot become a table of parlant-supabase', p_table),
        detail = format('%s: %s.', v_message, v_detail),
        hint = 'Drop what depends on its columns and make it again afterwards, or rename that table.';
  end;

  perform parlant_internal.index_columns(p_table);

  foreach v_statement in array v_policies loop
    execute v_statement;
  end loop;

  raise warning 'parlant-supabase: adopted table % with its rows; from now on only service_role may use it', p_table
    using hint = 'Grants to anon and authenticated are revoked; policies of your own are kept.';

  return true;
end;
$$;

comment on function parlant_internal.adopt_table(name) is
'Turns a table made from the earlier adapter''s script into one of ours.';

revoke all on function parlant_internal.adopt_table(name)
from public, anon, authenticated, service_role;
