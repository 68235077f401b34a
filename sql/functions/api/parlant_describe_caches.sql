-- purpose:        How large the caches of agents are, and how often they helped.
-- p_prefix:       the cache's table prefix; NULL for all
-- p_unused_since: also count the entries that were last used before this time; NULL for none
-- returns:        {"caches": [{"prefix": text, "collection": text, "table": text, "entries": int,
--                 "bytes": int, "unused": int, "hits": int, "misses": int, "since": text | null}, ...]};
--                 bytes is the table's size on disk, with its indexes; since is when counting began
-- raises:         nothing
-- example:        select public.parlant_describe_caches();
create or replace function public.parlant_describe_caches(
  p_prefix text default null,
  p_unused_since timestamptz default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_cache record;
  v_statistics text;
  v_entries bigint;
  v_unused bigint;
  v_counts jsonb;
  v_caches jsonb[] := '{}';
begin
  for v_cache in
    select c.prefix, c.collection, u.table_name, u.name, u.condition
    from parlant_internal.collections as c
    cross join parlant_internal.unused_cache_entries(c.prefix) as u
    where (p_prefix is null or c.prefix = p_prefix) and u.name = c.table_name
    order by c.prefix, c.collection desc
  loop
    execute format(
      'select count(*), count(*) filter (where %2$s) from %1$s as d',
      v_cache.table_name,
      case when p_unused_since is null then 'false' else v_cache.condition end)
    into v_entries, v_unused
    using p_unused_since;

    v_counts := null;
    select format('%I.%I', 'public', c.table_name) into v_statistics
    from parlant_internal.collections as c
    where c.prefix = v_cache.prefix
      and c.collection = 'cache_statistics'
      and to_regclass(format('%I.%I', 'public', c.table_name)) is not null;
    if found then
      execute format('select d.data from %s as d where d.id = $1', v_statistics)
      into v_counts
      using v_cache.collection;
    end if;

    v_caches := v_caches || jsonb_build_object(
      'prefix', v_cache.prefix,
      'collection', v_cache.collection,
      'table', v_cache.name,
      'entries', v_entries,
      'bytes', pg_total_relation_size(v_cache.table_name::regclass),
      'unused', v_unused,
      'hits', coalesce((v_counts ->> 'hits')::bigint, 0),
      'misses', coalesce((v_counts ->> 'misses')::bigint, 0),
      'since', v_counts ->> 'creation_utc');
  end loop;

  return jsonb_build_object('caches', to_jsonb(v_caches));
end;
$$;

comment on function public.parlant_describe_caches(text, timestamptz) is
'Size and use of the caches of agents.';

revoke all on function public.parlant_describe_caches(text, timestamptz)
from public, anon, authenticated;
grant execute on function public.parlant_describe_caches(text, timestamptz) to service_role;
