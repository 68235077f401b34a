-- purpose: Locks the keys of all documents that the calls of a batch name, in the one order that all
--          callers keep, before any call locks a row: what one call locks stays locked until all are
--          committed. No key is locked for the sake of a call that the caller may not make, or of a
--          document that row level security hides from the caller.
-- p_calls: the calls, as parlant_execute() takes them
-- returns: whether a table that they write has a unique index of the user's own
-- raises:  PD008 invalid argument
create or replace function parlant_internal.lock_batch(p_calls jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys bigint[] := '{}';
  v_table record;
  v_visible text[];
  v_has_unique_index boolean := false;
begin
  for v_table in
    select
      t.name,
      array_agg(i.id #>> '{}') filter (where w.inserted) as inserted_ids,
      array_agg(i.id #>> '{}') filter (where not w.inserted) as existing_ids,
      row_security_active(t.name) as is_restricted,
      parlant_internal.has_unique_index(t.name) as has_unique_index
    from jsonb_array_elements(p_calls) as c
    join parlant_internal.write_targets() as w on w.function = c.value ->> 'function'
    cross join jsonb_array_elements(c.value -> 'arguments') as a
    join parlant_internal.collections as r
      on r.prefix = a.value ->> 'p_prefix'
        and r.collection = coalesce(w.collection, a.value ->> 'p_collection')
    cross join format('%I.%I', 'public', r.table_name) as t (name)
    cross join jsonb_path_query(
      case
        when w.argument is null then a.value
        else parlant_internal.argument_value(a.value -> w.argument)
      end,
      w.id_path) as i (id)
    where exists (
        select from pg_catalog.pg_proc as p
        where
          p.pronamespace = 'public'::regnamespace
          and p.proname = 'parlant_' || (c.value ->> 'function')
          and has_function_privilege(p.oid, 'execute')
      )
      and case
        when to_regclass(t.name) is not null then has_table_privilege(t.name, 'insert, update, delete')
      end
    group by t.name
  loop
    v_has_unique_index := v_has_unique_index or v_table.has_unique_index;

    if v_table.is_restricted then
      execute format('select array(select d.id from %s as d where d.id = any ($1))', v_table.name)
      into v_visible
      using v_table.existing_ids;
      v_table.existing_ids := v_visible;
    end if;

    v_keys := v_keys || array(
      select parlant_internal.document_key(v_table.name, i.id)
      from unnest(v_table.inserted_ids || v_table.existing_ids) as i (id));
  end loop;

  perform parlant_internal.lock_keys(v_keys);
  return v_has_unique_index;
end;
$$;

comment on function parlant_internal.lock_batch(jsonb) is
'Locks the keys of all documents that the calls of a batch name.';

revoke all on function parlant_internal.lock_batch(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.lock_batch(jsonb) to service_role;
