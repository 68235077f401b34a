-- purpose:     Whether the caller may execute the functions that it needs, and which functions of ours are
--              open to the public roles.
-- p_functions: names of functions that the caller needs; those that begin with parlant_ are api functions
-- returns:     {"missing": [name, ...], "denied": [name, ...], "open": {role: [name, ...], ...}};
--              open is what anon and authenticated may execute
-- raises:      nothing
create or replace function parlant_internal.diagnose_functions(p_functions text[])
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with ours as (
    select p.proname::text as name, p.oid
    from pg_catalog.pg_proc as p
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where
      p.pronamespace = 'parlant_internal'::regnamespace
      or (n.nspname = 'public' and starts_with(p.proname, 'parlant_'))
  )

  select jsonb_build_object(
    'missing',
    (
      select coalesce(jsonb_agg(f.name order by f.name), '[]')
      from unnest(p_functions) as f (name)
      where f.name not in (select o.name from ours as o)
    ),
    'denied',
    (
      select coalesce(jsonb_agg(o.name order by o.name), '[]')
      from ours as o
      where o.name = any (p_functions) and not has_function_privilege(o.oid, 'execute')
    ),
    'open',
    (
      select coalesce(jsonb_object_agg(g.role, g.names), '{}')
      from (
        select r.rolname as role, jsonb_agg(o.name order by o.name) as names
        from pg_catalog.pg_roles as r
        cross join ours as o
        where
          r.rolname in ('anon', 'authenticated')
          and has_function_privilege(r.oid, o.oid, 'execute')
        group by r.rolname
      ) as g
    )
  )
$$;

comment on function parlant_internal.diagnose_functions(text[]) is
'Which functions the caller lacks, and which are open to the public roles.';

revoke all on function parlant_internal.diagnose_functions(text[])
from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_functions(text[]) to service_role;
