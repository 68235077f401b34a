-- purpose:  What can be wrong with one table of a collection, with the statements that repair what is.
-- p_table:  the table's name, as the registry has it
-- p_key:    the column whose primary key is looked for, or NULL
-- returns:  {"table": text, "exists": false}, or
--           {"table": text, "exists": true, "rows": {"count": int, "exact": bool} | null,
--            "row_level_security": bool, "policies": int, "lacking": [privilege, ...],
--            "granted": {role: [privilege, ...], ...},
--            "repairs": {"row_level_security": text, "lacking": text, "granted": text,
--            "primary_key": text, "sequence": text}};
--           lacking is what the caller may not do, granted what anon and authenticated may; sequence
--           repairs one that is behind the rows; of the repairs there are only those that are needed
-- raises:   nothing
create or replace function parlant_internal.diagnose_table(p_table name, p_key name)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_needed constant text[] := '{select,insert,update,delete}';
  v_name text := format('%I.%I', 'public', p_table);
  v_table regclass := to_regclass(v_name);
  v_row_level_security boolean;
  v_lacking jsonb;
  v_granted jsonb;
begin
  if v_table is null then
    return jsonb_build_object('table', p_table, 'exists', false);
  end if;

  select c.relrowsecurity into v_row_level_security
  from pg_catalog.pg_class as c
  where c.oid = v_table;

  select coalesce(jsonb_agg(n.privilege), '[]') into v_lacking
  from unnest(c_needed) as n (privilege)
  where not has_table_privilege(v_table, n.privilege);

  select coalesce(jsonb_object_agg(g.role, g.privileges), '{}') into v_granted
  from (
    select r.rolname as role, jsonb_agg(n.privilege order by n.position) as privileges
    from pg_catalog.pg_roles as r
    cross join unnest(c_needed || '{truncate}'::text[]) with ordinality as n (privilege, position)
    where r.rolname in ('anon', 'authenticated')
      and (
        has_table_privilege(r.oid, v_table, n.privilege)
        or (
          n.privilege in ('select', 'insert', 'update')
          and has_any_column_privilege(r.oid, v_table, n.privilege)
        )
      )
    group by r.rolname
  ) as g;

  return jsonb_build_object(
    'table', p_table,
    'exists', true,
    'rows', parlant_internal.count_rows(v_table),
    'row_level_security', v_row_level_security,
    'policies', (select count(*) from pg_catalog.pg_policy as p where p.polrelid = v_table),
    'lacking', v_lacking,
    'granted', v_granted,
    'repairs', jsonb_strip_nulls(jsonb_build_object(
      'row_level_security',
      case when not v_row_level_security
        then format('alter table %s enable row level security;', v_name) end,
      'lacking',
      case when v_lacking <> '[]'
        then format('grant select, insert, update, delete on table %s to %I;', v_name, current_user) end,
      'granted',
      case when v_granted <> '{}'
        then format('revoke all on table %s from public, anon, authenticated;', v_name) end,
      'primary_key',
      case when p_key is not null then parlant_internal.key_repair(v_table, p_key) end,
      'sequence',
      parlant_internal.diagnose_sequence(v_table))));
end;
$$;

comment on function parlant_internal.diagnose_table(name, name) is
'What can be wrong with one table of a collection.';

revoke all on function parlant_internal.diagnose_table(name, name) from public, anon, authenticated;
grant execute on function parlant_internal.diagnose_table(name, name) to service_role;
