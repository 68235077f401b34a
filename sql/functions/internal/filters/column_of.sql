-- purpose:  Names the column that a field is sorted and indexed by, for the fields that have one.
-- p_field:  the field's name
-- returns:  the column's name, or NULL
-- raises:   nothing
--
-- In PL/pgSQL for the same reason as text_column().
create or replace function parlant_internal.column_of(p_field text)
returns text
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_field in ('id', 'version', 'creation_utc', 'session_id', 'customer_id', 'agent_id')
      then p_field
  end;
end;
$$;

comment on function parlant_internal.column_of(text) is
'Column that a field is sorted and indexed by, or NULL.';

revoke all on function parlant_internal.column_of(text) from public, anon, authenticated;
grant execute on function parlant_internal.column_of(text) to service_role;
