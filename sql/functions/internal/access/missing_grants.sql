-- purpose:  What a role lacks of the access that it was let in to.
-- p_role:   the role's name
-- p_access: documents, functions or agent, as in opt_in()
-- returns:  statements that grant it
-- raises:   nothing
create or replace function parlant_internal.missing_grants(p_role name, p_access text)
returns setof text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_data_functions constant text[] := '{parlant_get_version,parlant_get_collection,parlant_find,'
    'parlant_find_one,parlant_insert_one,parlant_update_one,parlant_delete_one,parlant_execute}';
  v_policy name := format('parlant-supabase: %s', p_role);
begin
  return query
    select format('grant usage on schema %s to %I', n.oid::regnamespace, p_role)
    from pg_catalog.pg_namespace as n
    where n.oid in ('parlant_internal'::regnamespace, 'public'::regnamespace)
      and not has_schema_privilege(p_role, n.oid, 'usage');

  return query
    select format('grant execute on function %s to %I', p.oid::regprocedure, p_role)
    from pg_catalog.pg_proc as p
    where has_function_privilege('service_role', p.oid, 'execute')
      and not has_function_privilege(p_role, p.oid, 'execute')
      and (p_access = 'agent' or not p.prosecdef)
      and (
        p.pronamespace = 'parlant_internal'::regnamespace
        or (p.pronamespace = 'public'::regnamespace
          and starts_with(p.proname, 'parlant_')
          and (p_access <> 'documents' or p.proname = any (c_data_functions)))
      );

  -- An agent writes documents; whoever calls functions reads what they look up, and writes what they keep.
  return query
    with opened as (
      select
        c.oid::regclass as relation,
        c.relkind,
        case when o.table_name is null and c.oid <> 'parlant_internal.turns'::regclass
          then 'select' else 'select, insert, update, delete' end as granted,
        case when o.table_name is null and c.oid <> 'parlant_internal.turns'::regclass
          then 'select to %I using (true)' else 'all to %1$I using (true) with check (true)' end as policy
      from pg_catalog.pg_class as c
      left join parlant_internal.collections as o
        on c.relnamespace = 'public'::regnamespace and c.relname in (o.table_name, o.failed_table_name)
      where c.relkind in ('r', 'v')
        and case
          when c.relnamespace = 'parlant_internal'::regnamespace
            then has_table_privilege('service_role', c.oid, 'select')
              and (
                p_access = 'agent' or c.relname = 'collections'
                or p_access = 'functions' and c.relname = 'turns')
          else p_access = 'agent' and (o.table_name is not null or parlant_internal.is_our_view(c.oid))
        end
    )
    select format('grant %s on table %s to %I', o.granted, o.relation, p_role)
    from opened as o
    where not has_table_privilege(p_role, o.relation, 'select')
    union all
    select format('create policy %I on %s for %s', v_policy, o.relation, format(o.policy, p_role))
    from opened as o
    where o.relkind = 'r' and not exists (
      select from pg_catalog.pg_policy as p
      where p.polrelid = o.relation and p.polname = v_policy
    );
end;
$$;

comment on function parlant_internal.missing_grants(name, text) is
'What a role lacks of the access that it was let in to.';

revoke all on function parlant_internal.missing_grants(name, text)
from public, anon, authenticated, service_role;
