-- purpose:    An argument of a call, read as a document where it is the text of one.
-- p_argument: the argument
-- returns:    JSON, or NULL if it is a text that is no JSON, which is for the function itself to refuse
-- raises:     nothing
create or replace function parlant_internal.argument_value(p_argument jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_argument) is distinct from 'string' then
    return p_argument;
  end if;

  begin
    return (p_argument #>> '{}')::jsonb;
  exception
    when data_exception then
      return null;
  end;
end;
$$;

comment on function parlant_internal.argument_value(jsonb) is
'Argument of a call, read as a document where it is the text of one.';

revoke all on function parlant_internal.argument_value(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.argument_value(jsonb) to service_role;
