-- purpose:  An object that a stored document holds in a field, with keys set and others removed. A field that
--           is missing or null counts as an empty object.
-- p_field:  the field's name
-- p_stored: the field's value in the stored document, or NULL where it is missing
-- p_set:    keys to set, with their values
-- p_unset:  keys to remove; NULL for none
-- returns:  the object after the change
-- raises:   PD002 invalid document, if the stored value is not an object
create or replace function parlant_internal.merged_object(
  p_field text,
  p_stored jsonb,
  p_set jsonb,
  p_unset text[]
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := coalesce(jsonb_typeof(p_stored), 'null');
begin
  if v_type not in ('object', 'null') then
    raise exception using
      errcode = 'PD002',
      message = format('the field %s of the stored document must be an object, got %s', p_field, v_type),
      hint = format('Nothing was changed. Correct the stored document first, with update_one on %s.', p_field);
  end if;

  return (case v_type when 'object' then p_stored else '{}' end || p_set) - coalesce(p_unset, '{}');
end;
$$;

comment on function parlant_internal.merged_object(text, jsonb, jsonb, text[]) is
'Object of a stored document after keys were set and removed.';

revoke all on function parlant_internal.merged_object(text, jsonb, jsonb, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.merged_object(text, jsonb, jsonb, text[]) to service_role;
