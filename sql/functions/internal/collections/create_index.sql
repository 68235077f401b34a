-- purpose:      Makes one index of a collection, unless it is there. One that is not valid is made again.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_fields:     [[field, "asc" | "desc"], ...], at least one
-- p_unique:     whether no two documents may have equal values, as $eq compares; a missing field is null
-- returns:      nothing
-- raises:       PD004 collection not found, PD008 invalid argument
--
-- Security definer, because only its owner may index a table. It indexes registered tables only.
create or replace function parlant_internal.create_index(
  p_prefix text,
  p_collection text,
  p_fields jsonb,
  p_unique boolean
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_name name := parlant_internal.index_name(p_prefix, p_collection, p_fields, p_unique);
begin
  -- Two servers that ask at the same moment take turns; the second finds the index. They do so for all
  -- indexes of a table at once, so that neither waits for one that the other makes while holding another.
  perform pg_advisory_xact_lock(v_table::regclass::oid::bigint);

  -- What an interrupted `create index concurrently` leaves behind has the name and serves nobody.
  if exists (
    select from pg_catalog.pg_index as i
    where i.indexrelid = to_regclass(format('%I.%I', 'public', v_name)) and not i.indisvalid
  ) then
    execute format('drop index %I.%I', 'public', v_name);
  end if;

  execute format(
    'create %s index if not exists %I on %s %s',
    case when p_unique then 'unique' end,
    v_name, v_table, parlant_internal.index_definition(p_fields, p_unique));
  execute format(
    'comment on index %I.%I is %L', 'public', v_name,
    format('parlant-supabase index on %s%s', p_fields, case when p_unique then ', unique' else '' end));
end;
$$;

comment on function parlant_internal.create_index(text, text, jsonb, boolean) is
'Makes one index of a collection, unless it is there.';

revoke all on function parlant_internal.create_index(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.create_index(text, text, jsonb, boolean) to service_role;
