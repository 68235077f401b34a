-- purpose:   Makes upserts with the same filter take turns. In a batch, which holds documents, it does
--            not wait.
-- p_table:   the table, which table_of() names
-- p_filters: the filter
-- returns:   nothing
-- raises:    55P03 lock not available, in a batch
create or replace function parlant_internal.lock_upsert(p_table regclass, p_filters jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table integer := p_table::oid::integer;
  v_filter integer := hashtext(coalesce(p_filters::text, ''));
begin
  if pg_try_advisory_xact_lock(v_table, v_filter) then
    return;
  end if;

  if coalesce(current_setting('parlant.in_batch', true), '') = 'on' then
    raise lock_not_available using
      message = 'another call inserts the document',
      hint = 'Send this call by itself; in a batch it cannot wait.';
  end if;

  perform pg_advisory_xact_lock(v_table, v_filter);
end;
$$;

comment on function parlant_internal.lock_upsert(regclass, jsonb) is
'Makes upserts with the same filter take turns.';

revoke all on function parlant_internal.lock_upsert(regclass, jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.lock_upsert(regclass, jsonb) to service_role;
