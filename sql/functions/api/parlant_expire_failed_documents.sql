-- purpose:        Deletes failed documents that failed before a time, a bounded number at a time. One that
--                 was rejected is nowhere else.
-- p_prefix:       the store's table prefix
-- p_failed_since: documents that failed at this time or later stay
-- p_limit:        the most rows to delete; 1 to 50,000
-- returns:        {"erased": {table name: int, ...}, "done": bool}; call it again until it is done
-- raises:         PD008 invalid argument
-- example:        select public.parlant_expire_failed_documents(
--                   'parlant_sessions_', now() - interval '90 days');
create or replace function public.parlant_expire_failed_documents(
  p_prefix text,
  p_failed_since timestamptz,
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
    select format('%I.%I', 'public', c.failed_table_name) as table_name, c.failed_table_name as name
    from parlant_internal.collections as c
    where c.prefix = p_prefix
      and to_regclass(format('%I.%I', 'public', c.failed_table_name)) is not null
    order by c.prefix, c.collection
  loop
    execute format(
      'delete from %1$s as d where d.seq = any (array('
      'select f.seq from %1$s as f where f.failed_at < $1 limit $2 for update skip locked))',
      v_table.table_name)
    using p_failed_since, v_left;
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

comment on function public.parlant_expire_failed_documents(text, timestamptz, integer) is
'Deletes failed documents that failed before a time.';

revoke all on function public.parlant_expire_failed_documents(text, timestamptz, integer)
from public, anon, authenticated;
grant execute on function public.parlant_expire_failed_documents(text, timestamptz, integer)
to service_role;
