-- purpose:        The SQL expression for the tags of a customer or a variable.
-- p_kind:         'customer' or 'variable'
-- p_associations: the table of associations, which table_of() names
-- p_id:           SQL expression of type text for the id
-- returns:        text of an SQL expression that yields a JSON array of tag ids, in the order of the
--                 associations
-- raises:         nothing
create or replace function parlant_internal.tags_expression(
  p_kind text,
  p_associations regclass,
  p_id text
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return format(
    'coalesce((select jsonb_agg(a.data -> ''tag_id'' order by a.creation_utc, a.id)'
    ' from %s as a where %s), ''[]'')',
    p_associations, parlant_internal.owner_condition(p_kind, p_id));
end;
$$;

comment on function parlant_internal.tags_expression(text, regclass, text) is
'SQL expression for the tags of a customer or variable.';

revoke all on function parlant_internal.tags_expression(text, regclass, text)
from public, anon, authenticated;
grant execute on function parlant_internal.tags_expression(text, regclass, text) to service_role;
