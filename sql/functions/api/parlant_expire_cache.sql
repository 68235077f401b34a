-- purpose:        Deletes cached values that nobody has used since a time, a bounded number at a time. A
--                 value that is needed again is computed again.
-- p_prefix:       the cache's table prefix
-- p_unused_since: values that were used at this time or later stay; a use is recorded once a day
-- p_limit:        the most rows to delete; 1 to 50,000
-- returns:        {"erased": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:         PD008 invalid argument
-- example:        select public.parlant_expire_cache('parlant_', now() - interval '90 days');
create or replace function public.parlant_expire_cache(
  p_prefix text,
  p_unused_since timestamptz,
  p_limit integer default 20000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left bigint := p_limit;
  v_table record;
  v_count bigint;
  v_erased jsonb := '{}';
begin
  perform parlant_internal.require_erasure_limit(p_limit);

  for v_table in
    select u.table_name, u.name, u.condition
    from parlant_internal.unused_cache_entries(p_prefix) as u
  loop
    execute format(
      'delete from %1$s as d where d.id = any (array('
      'select d.id from %1$s as d where %2$s limit $2 for update skip locked))',
      v_table.table_name, v_table.condition)
    using p_unused_since, v_left;
    get diagnostics v_count = row_count;

    v_left := v_left - v_count;
    if v_count > 0 then
      v_erased := v_erased || jsonb_build_object(v_table.name, v_count);
    end if;
    exit when v_left <= 0;
  end loop;

  return jsonb_build_object('erased', v_erased, 'done', v_left > 0);
end;
$$;

comment on function public.parlant_expire_cache(text, timestamptz, integer) is
'Deletes cached values that nobody has used since a time.';

revoke all on function public.parlant_expire_cache(text, timestamptz, integer)
from public, anon, authenticated;
grant execute on function public.parlant_expire_cache(text, timestamptz, integer) to service_role;
