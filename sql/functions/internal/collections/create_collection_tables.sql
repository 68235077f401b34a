-- purpose:      Makes and registers the tables of a collection, or adopts the tables that are there: made by
--               hand, or left by a copy without the registry's rows. Makes the views that wait for them.
--               Does nothing if the collection is registered and has its tables.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      true if the collection was not registered before, or lacked a table
-- raises:       PD006 invalid table name, PD007 table not ours
--
-- Security definer, because making tables needs more than service_role has. It makes tables of one fixed
-- shape, and every name goes through %I.
create or replace function parlant_internal.create_collection_tables(
  p_prefix text,
  p_collection text
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table name := parlant_internal.table_name_for(p_prefix, p_collection);
  v_failed name := (v_table || '_failed_migrations')::name;
  v_registered boolean;
  v_lacks_table boolean;
  v_is_ours boolean := false;
  v_failed_is_ours boolean := false;
  v_clash record;
  v_fields text[];
begin
  -- Two servers that open a store for the first time take turns here.
  lock table parlant_internal.collections in share row exclusive mode;

  v_registered := exists (
    select from parlant_internal.collections as c
    where c.prefix = p_prefix and c.collection = p_collection
  );
  v_lacks_table := to_regclass(format('%I.%I', 'public', v_table)) is null
    or to_regclass(format('%I.%I', 'public', v_failed)) is null;

  if v_registered and not v_lacks_table then
    return false;
  end if;

  if v_table = v_failed then
    raise exception using
      errcode = 'PD006',
      message = format('table name %I is too long', v_table),
      detail = 'Postgres cuts names at 63 bytes, so the table of failed documents would have the same name.',
      hint = 'Use a shorter table_prefix.';
  end if;

  select c.prefix, c.collection into v_clash
  from parlant_internal.collections as c
  where (c.table_name in (v_table, v_failed) or c.failed_table_name in (v_table, v_failed))
    and (c.prefix, c.collection) <> (p_prefix, p_collection);
  if found then
    raise exception using
      errcode = 'PD006',
      message = format(
        'collection %L under prefix %L would share table %I with collection %L under prefix %L',
        p_collection, p_prefix, v_table, v_clash.collection, v_clash.prefix),
      hint = 'Use another table_prefix.';
  end if;

  if to_regclass(format('%I.%I', 'public', v_table)) is null then
    execute format(
      'create table %I.%I (like parlant_internal.document_shape including all)', 'public', v_table);
    execute format(
      'create trigger derive_columns before insert or update on %I.%I'
      ' for each row execute function parlant_internal.derive_columns()', 'public', v_table);
  else
    v_is_ours := not parlant_internal.adopt_table(v_table);
  end if;

  if to_regclass(format('%I.%I', 'public', v_failed)) is null then
    execute format(
      'create table %I.%I (like parlant_internal.failed_document_shape including all)',
      'public', v_failed);
  else
    v_failed_is_ours := not parlant_internal.adopt_failed_table(v_failed);
  end if;

  execute format(
    'comment on table %I.%I is %L', 'public', v_table,
    format('Parlant collection %s, prefix %s. Written by parlant-supabase.', p_collection, p_prefix));
  execute format(
    'comment on table %I.%I is %L', 'public', v_failed,
    format('Documents of %s that could not be migrated. Never dropped by parlant-supabase.', v_table));

  if v_is_ours then
    perform parlant_internal.restore_privileges(v_table);
  else
    perform parlant_internal.lock_down_table(v_table);
  end if;
  if v_failed_is_ours then
    perform parlant_internal.restore_privileges(v_failed);
  else
    perform parlant_internal.lock_down_table(v_failed);
  end if;

  insert into parlant_internal.collections (prefix, collection, table_name, failed_table_name)
  values (p_prefix, p_collection, v_table, v_failed)
  on conflict (prefix, collection) do nothing;

  for v_fields in
    select i.fields from parlant_internal.default_indexes(p_collection) as i
  loop
    perform parlant_internal.create_index(
      p_prefix, p_collection,
      (select jsonb_agg(jsonb_build_array(f.field, 'asc') order by f.position)
        from unnest(v_fields) with ordinality as f (field, position)),
      false);
  end loop;

  perform parlant_internal.make_views(s.prefix, p_collection)
  from parlant_internal.view_sets as s
  where p_prefix in (s.session_prefix, s.customer_prefix, s.variable_prefix);

  perform parlant_internal.apply_opt_ins();

  return true;
end;
$$;

comment on function parlant_internal.create_collection_tables(text, text) is
'Makes or adopts, and registers, the tables of a collection.';

revoke all on function parlant_internal.create_collection_tables(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.create_collection_tables(text, text) to service_role;
