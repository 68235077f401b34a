-- purpose:      The statement that makes an index of a collection while others write: under the name by which
--               create_index() knows it, so that opening the store finds it there. One that was begun
--               like this and failed is there and not valid, and is built again.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name; its table exists
-- p_fields:     [[field, "asc" | "desc"], ...]
-- p_unique:     whether the index is unique
-- returns:      text of an SQL statement, which must not be in a transaction with others
-- raises:       PD004 collection not found
create or replace function parlant_internal.index_repair(
  p_prefix text,
  p_collection text,
  p_fields jsonb,
  p_unique boolean
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name name := parlant_internal.index_name(p_prefix, p_collection, p_fields, p_unique);
begin
  if to_regclass(format('%I.%I', 'public', v_name)) is not null then
    return format('reindex index concurrently %I.%I;', 'public', v_name);
  end if;

  return format(
    'create %sindex concurrently %I on %s %s;',
    case when p_unique then 'unique ' else '' end,
    v_name,
    parlant_internal.table_of(p_prefix, p_collection),
    parlant_internal.index_definition(p_fields, p_unique));
end;
$$;

comment on function parlant_internal.index_repair(text, text, jsonb, boolean) is
'Statement that makes an index of a collection while others write.';

revoke all on function parlant_internal.index_repair(text, text, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.index_repair(text, text, jsonb, boolean) to service_role;
