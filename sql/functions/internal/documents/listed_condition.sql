-- purpose:        The SQL condition, over the alias d, for the sessions, customers or variables that a
--                 list of labels or tags asks for.
-- p_kind:         'session', 'customer' or 'variable'
-- p_listed:       the list, to which the condition refers as $4: of sessions those with all of these
--                 labels; of customers and variables those with any of these tags, or, if empty, without
--                 tags; NULL for all
-- p_associations: of customers and variables the table of their tags
-- returns:        text of an SQL expression
-- raises:         nothing
create or replace function parlant_internal.listed_condition(
  p_kind text,
  p_listed text[],
  p_associations regclass
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_listed is null then
    return 'true';
  end if;

  if p_kind = 'session' then
    return 'd.data -> ''labels'' @> to_jsonb($4)';
  end if;

  if cardinality(p_listed) = 0 then
    return format(
      'not exists (select from %s as a where %s)',
      p_associations, parlant_internal.owner_condition(p_kind, 'd.id'));
  end if;

  return format(
    'd.id in (select a.data ->> %L from %s as a where'
    ' %s = any (array(select %s from unnest($4) as t (value)))'
    ' and a.data ->> ''tag_id'' = any ($4))',
    p_kind || '_id',
    p_associations,
    parlant_internal.order_key('a.data -> ''tag_id'''),
    parlant_internal.order_key('to_jsonb(t.value)'));
end;
$$;

comment on function parlant_internal.listed_condition(text, text[], regclass) is
'SQL condition for what a list of labels or tags asks for.';

revoke all on function parlant_internal.listed_condition(text, text[], regclass)
from public, anon, authenticated;
grant execute on function parlant_internal.listed_condition(text, text[], regclass) to service_role;
