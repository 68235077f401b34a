-- purpose:       The values of context variables, a row each.
-- variable_name: text; the variable's name
-- key:           text; whom the value is for: a customer's id, tag:<id> for all who have a tag, or DEFAULT
-- customer_name: text; the name of the customer whose id the key is, NULL if it is none
-- value:         jsonb; the value
-- modified_at:   timestamptz; when it was written last, NULL if that is stored in another form than Parlant's
-- variable_id:   text; the variable's id
-- value_id:      text; the value's id
-- privileges:    select for service_role; readers see what they may select in the tables themselves
-- example:       select v.customer_name, v.value from public.parlant_variable_overview as v
--                where v.variable_name = 'plan';
create or replace function parlant_internal.variable_overview_definition(
  out name text,
  out collections text[],
  out comment text,
  out query text
)
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $function$
begin
  name := 'variable_overview';
  collections := '{values,variables,customers}';
  comment := 'Values of Parlant context variables, one per row: of which variable, for whom.';
  query := $query$
    select
      v.data ->> 'name' as variable_name,
      x.data ->> 'key' as key,
      coalesce(c.data ->> 'name', case x.data ->> 'key' when 'guest' then 'Guest' end) as customer_name,
      x.data -> 'data' as value,
      case when x.data ->> 'last_modified' ~ %1$L then (x.data ->> 'last_modified')::timestamptz end
        as modified_at,
      x.data ->> 'variable_id' as variable_id,
      x.id as value_id
    from %2$s as x
    left join %3$s as v on v.id = x.data ->> 'variable_id'
    left join %4$s as c on c.id = x.data ->> 'key'
  $query$;
end;
$function$;

comment on function parlant_internal.variable_overview_definition() is
'Definition of the view variable_overview.';

revoke all on function parlant_internal.variable_overview_definition() from public, anon, authenticated;
grant execute on function parlant_internal.variable_overview_definition() to service_role;
