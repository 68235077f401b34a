-- purpose:  Checks one entry of a sort or of an index definition.
-- p_entry:  [field, "asc" | "desc"]
-- returns:  the field's name
-- raises:   PD008 invalid argument
create or replace function parlant_internal.sort_entry_field(p_entry jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_entry) = 'array'
    and jsonb_array_length(p_entry) = 2
    and jsonb_typeof(p_entry -> 0) = 'string'
    and p_entry -> 1 in ('"asc"'::jsonb, '"desc"'::jsonb)
  then
    return p_entry ->> 0;
  end if;

  raise exception using
    errcode = 'PD008',
    message = 'a sort or index field must be a pair of a field name and a direction',
    hint = 'Write ["field", "asc"] or ["field", "desc"].';
end;
$$;

comment on function parlant_internal.sort_entry_field(jsonb) is
'Field name of a checked [field, direction] pair.';

revoke all on function parlant_internal.sort_entry_field(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.sort_entry_field(jsonb) to service_role;
