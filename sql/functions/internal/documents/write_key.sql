-- purpose:     Says which document a call is going to write, as far as its arguments tell: two calls that may
--              wait for each other have the same key. What the two stand for is not always the same document,
--              which costs a wait and nothing else.
-- p_arguments: the call's arguments
-- returns:     text, or NULL if they name no document
-- raises:      nothing
create or replace function parlant_internal.write_key(p_arguments jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_arguments ->> 'p_prefix') || coalesce(
    p_arguments ->> 'p_session_id',
    p_arguments ->> 'p_customer_id',
    p_arguments ->> 'p_variable_id',
    -- Documents that came as text, which none but large numbers are for, are told apart as they are.
    p_arguments #>> '{p_event,session_id}', p_arguments ->> 'p_event',
    p_arguments #>> '{p_association,customer_id}',
    p_arguments #>> '{p_association,variable_id}',
    p_arguments #>> '{p_filters,id,$eq}', p_arguments ->> 'p_filters',
    p_arguments #>> '{p_document,id}', p_arguments ->> 'p_document',
    p_arguments #>> '{p_customer,id}',
    p_arguments #>> '{p_variable,id}'
  );
end;
$$;

comment on function parlant_internal.write_key(jsonb) is
'Which document a call is going to write.';

revoke all on function parlant_internal.write_key(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.write_key(jsonb) to service_role;
