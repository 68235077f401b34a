-- purpose:      Makes the indexes that are missing. The primary key on id and the index on
--               (creation_utc, id) are there from the start.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- p_indexes:    [{"fields": [[field, "asc" | "desc"], ...], "unique": bool}, ...]
--               Values of a unique index are equal if $eq says so: 1 and 1.0 are, and a field that is
--               missing equals null, as in MongoDB. They may be of any type and length.
-- returns:      {"created": int}
-- raises:       PD004 collection not found, PD008 invalid argument
-- example:      select public.parlant_ensure_indexes(
--                 'parlant_sessions_', 'events',
--                 '[{"fields": [["session_id", "asc"], ["offset", "asc"]], "unique": false}]');
--
-- An index on a large table takes longer than a request may.
create or replace function public.parlant_ensure_indexes(
  p_prefix text,
  p_collection text,
  p_indexes jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set statement_timeout = '55s'
as $$
declare
  -- As many as Postgres takes.
  c_max_fields constant integer := 32;
  v_table text := parlant_internal.table_of(p_prefix, p_collection);
  v_index jsonb;
  v_fields jsonb;
  v_unique boolean;
  v_created integer := 0;
begin
  perform parlant_internal.require_list(
    p_indexes, 'indexes', 'Write [{"fields": [["field", "asc"]], "unique": false}].', 100);

  for v_index in select i.value from jsonb_array_elements(p_indexes) as i loop
    v_fields := v_index -> 'fields';
    v_unique := coalesce(v_index -> 'unique' = 'true'::jsonb, false);

    if coalesce(jsonb_typeof(v_fields), 'null') <> 'array' or v_fields = '[]'::jsonb then
      raise exception using
        errcode = 'PD008',
        message = 'an index needs a list of at least one field',
        hint = 'Write {"fields": [["field", "asc"]], "unique": false}.';
    end if;

    if jsonb_array_length(v_fields) > c_max_fields then
      raise exception using
        errcode = 'PD008',
        message = format('an index may have at most %s fields', c_max_fields),
        hint = 'Name the few that matter.';
    end if;

    perform parlant_internal.sort_entry_field(f.value) from jsonb_array_elements(v_fields) as f;

    if v_fields in ('[["id", "asc"]]'::jsonb, '[["id", "desc"]]'::jsonb)
      or (v_fields = '[["creation_utc", "asc"], ["id", "asc"]]'::jsonb and not v_unique)
      or exists (
        select from pg_catalog.pg_index as x
        join pg_catalog.pg_class as c on c.oid = x.indexrelid
        where
          x.indrelid = v_table::regclass
          and x.indisvalid
          and c.relname = parlant_internal.index_name(p_prefix, p_collection, v_fields, v_unique)
      )
    then
      continue;
    end if;

    perform parlant_internal.create_index(p_prefix, p_collection, v_fields, v_unique);
    v_created := v_created + 1;
  end loop;

  return jsonb_build_object('created', v_created);
end;
$$;

comment on function public.parlant_ensure_indexes(text, text, jsonb) is
'Makes the missing indexes of a Parlant document collection.';

revoke all on function public.parlant_ensure_indexes(text, text, jsonb)
from public, anon, authenticated;
grant execute on function public.parlant_ensure_indexes(text, text, jsonb) to service_role;
