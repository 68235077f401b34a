-- purpose:  Grants every role of opt_ins what it was let in to. Runs at the end of each migration and when
--           tables or views are made; does nothing where all is granted.
-- returns:  nothing
-- raises:   nothing
create or replace function parlant_internal.apply_opt_ins()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_statement text;
begin
  for v_statement in
    select g.statement
    from parlant_internal.opt_ins as o
    cross join lateral parlant_internal.missing_grants(o.role_name, o.access) as g (statement)
    where to_regrole(quote_ident(o.role_name)) is not null
  loop
    execute v_statement;
  end loop;
end;
$$;

comment on function parlant_internal.apply_opt_ins() is
'Grants the roles that were let in what they were let in to.';

revoke all on function parlant_internal.apply_opt_ins()
from public, anon, authenticated, service_role;
