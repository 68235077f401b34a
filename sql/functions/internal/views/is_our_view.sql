-- purpose:    Whether a relation is a view that make_views() made. Its comment says so, which a dump of the
--             database keeps.
-- p_relation: the relation
-- returns:    false also if there is none
-- raises:     nothing
create or replace function parlant_internal.is_our_view(p_relation regclass)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      (
        select c.relkind = 'v' and obj_description(c.oid, 'pg_class') like '% View of parlant-supabase.'
        from pg_catalog.pg_class as c
        where c.oid = p_relation
      ),
      false)
$$;

comment on function parlant_internal.is_our_view(regclass) is
'Whether a relation is a view of parlant-supabase.';

revoke all on function parlant_internal.is_our_view(regclass) from public, anon, authenticated;
grant execute on function parlant_internal.is_our_view(regclass) to service_role;
