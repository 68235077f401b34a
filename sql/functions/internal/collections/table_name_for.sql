-- purpose:      The name of a collection's table: the prefix itself if the prefix, less trailing
--               underscores, ends with the collection's name, else prefix and name; cut at 63 bytes as
--               Postgres cuts names.
-- p_prefix:     the store's table prefix
-- p_collection: the collection's name
-- returns:      the table's name
-- raises:       PD006 invalid table name
create or replace function parlant_internal.table_name_for(p_prefix text, p_collection text)
returns name
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_prefix, '') = '' or coalesce(p_collection, '') = '' then
    raise exception using
      errcode = 'PD006',
      message = 'the table prefix and the collection name must not be empty',
      hint = 'Give each store a table_prefix of its own, such as parlant_sessions_.';
  end if;

  if right(rtrim(p_prefix, '_'), length(p_collection)) = p_collection then
    return p_prefix::name;
  end if;

  return (p_prefix || p_collection)::name;
end;
$$;

comment on function parlant_internal.table_name_for(text, text) is
'Table name of a collection under a prefix.';

revoke all on function parlant_internal.table_name_for(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.table_name_for(text, text) to service_role;
