-- purpose:  The tables of cached values under a prefix, and which of their rows were not used since a time.
-- p_prefix: the cache's table prefix
-- returns:  a row for each table that exists: its quoted, qualified name, its name, and the SQL condition,
--           over the alias d, for entries that were last used before the timestamptz $1
-- raises:   nothing
create or replace function parlant_internal.unused_cache_entries(p_prefix text)
returns table (table_name text, name name, condition text)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select
    format('%I.%I', 'public', c.table_name),
    c.table_name,
    -- As the index on last_used_utc has it.
    format(
      '%s < %s',
      parlant_internal.order_key('d.data -> ''last_used_utc'''),
      parlant_internal.order_key(
        'to_jsonb(to_char($1 at time zone ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS''))'))
  from parlant_internal.collections as c
  join parlant_internal.cache_collections() as e
    on e.collection = c.collection and e.holds_values
  where c.prefix = p_prefix
    and to_regclass(format('%I.%I', 'public', c.table_name)) is not null
  order by c.collection;
end;
$$;

comment on function parlant_internal.unused_cache_entries(text) is
'Tables of cached values, and which of their rows were not used since a time.';

revoke all on function parlant_internal.unused_cache_entries(text) from public, anon, authenticated;
grant execute on function parlant_internal.unused_cache_entries(text) to service_role;
