-- purpose:  The definitions of the views that people read; a file in sql/views/ holds each. They are made for
--           every row of view_sets.
-- returns:  a row for each view: what follows the set's prefix in its name; the collections that it reads;
--           what it shows; and a template of its query for format(): %1$L is the pattern of a moment as
--           Parlant writes it, %2$s the table of the first of the collections, %3$s that of the second, and
--           so on
-- raises:   nothing
create or replace function parlant_internal.view_definitions()
returns table (name text, collections text[], comment text, query text)
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select v.* from parlant_internal.customer_overview_definition() as v
  union all
  select v.* from parlant_internal.messages_definition() as v
  union all
  select v.* from parlant_internal.session_overview_definition() as v
  union all
  select v.* from parlant_internal.variable_overview_definition() as v;
end;
$$;

comment on function parlant_internal.view_definitions() is
'Templates of the views that people read.';

revoke all on function parlant_internal.view_definitions() from public, anon, authenticated;
grant execute on function parlant_internal.view_definitions() to service_role;
