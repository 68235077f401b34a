-- purpose:     The statement that calls one of the api functions several times, with arguments out of a JSON
--              array of objects, bound as $1. Arguments that are not in the objects keep their defaults.
-- p_function:  the function's name without "parlant_"
-- p_arguments: one of the objects, {name of the argument: value, ...}; all have the same names
-- returns:     text of an SQL statement that yields one jsonb[]: {"reply": {...}} for each object, in their
--              order
-- raises:      PD008 invalid argument
create or replace function parlant_internal.call_statement(p_function text, p_arguments jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function record;
  v_unknown text;
  v_arguments text;
  v_columns text;
begin
  select p.proname, p.proargnames as names, p.proargtypes::oid[] as types into v_function
  from pg_catalog.pg_proc as p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = 'parlant_' || p_function
    and p.prorettype = 'pg_catalog.jsonb'::regtype
    and p.proname <> 'parlant_execute';

  if not found then
    raise exception using
      errcode = 'PD008',
      message = format('there is no function %L to execute', p_function),
      hint = 'Name a function of parlant-supabase without parlant_, such as find_one.';
  end if;

  select string_agg(a.name, ', ') into v_unknown
  from jsonb_object_keys(p_arguments) as a (name)
  where a.name <> all (coalesce(v_function.names, '{}'));
  if v_unknown is not null then
    raise exception using
      errcode = 'PD008',
      message = format('%s has no argument %s', v_function.proname, v_unknown),
      hint = 'See the header of the function in sql/functions/api.';
  end if;

  select
    string_agg(format('%1$I => a.%1$I', a.name), ', '),
    string_agg(format('%I %s', a.name, a.type::regtype), ', ')
  into v_arguments, v_columns
  from unnest(v_function.names, v_function.types) as a (name, type)
  where p_arguments ? a.name;

  -- PostgREST converts the arguments of a call in the same way, so a batch takes what a call takes. A record
  -- needs a column, even if the function is called without arguments.
  return format(
    'select array_agg(jsonb_build_object(''reply'', public.%I(%s))) from jsonb_to_recordset($1) as a (%s)',
    v_function.proname, coalesce(v_arguments, ''), coalesce(v_columns, '_ jsonb'));
end;
$$;

comment on function parlant_internal.call_statement(text, jsonb) is
'Statement that calls an api function several times, with arguments out of a JSON array.';

revoke all on function parlant_internal.call_statement(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.call_statement(text, jsonb) to service_role;
