-- purpose:  Drops the views of ours that read a table which is about to be dropped. A view of the user's own
--           that reads one of them keeps them all, and the table: Postgres refuses with 2BP01.
-- p_table:  the table
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.drop_views_on(p_table regclass)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_view regclass;
begin
  for v_view in
    select distinct r.ev_class
    from pg_catalog.pg_depend as d
    join pg_catalog.pg_rewrite as r on r.oid = d.objid
    where d.classid = 'pg_catalog.pg_rewrite'::regclass
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = p_table
      and parlant_internal.is_our_view(r.ev_class)
  loop
    execute format('drop view %s', v_view);
  end loop;
end;
$$;

comment on function parlant_internal.drop_views_on(regclass) is
'Drops the views of ours that read a table.';

revoke all on function parlant_internal.drop_views_on(regclass)
from public, anon, authenticated, service_role;
