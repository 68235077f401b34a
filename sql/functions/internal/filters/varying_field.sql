-- purpose:    Finds the one field in which the members of a logical operator differ, if they can be
--             compared as one array. Either each member is one field with nothing but $eq (under $or) or
--             $ne (under $and), or, under $or, they have other fields besides, with the same conditions in
--             every member.
-- p_operator: '$and' or '$or'
-- p_members:  JSON array, not empty
-- returns:    the field's name, or NULL
-- raises:     nothing
create or replace function parlant_internal.varying_field(p_operator text, p_members jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer := jsonb_array_length(p_members);
  v_operand_key text := case p_operator when '$or' then '$eq' else '$ne' end;
  v_fields text[];
  v_varying text[];
begin
  if v_count < 2 or exists (
    select from jsonb_array_elements(p_members) as m
    where jsonb_typeof(m.value) <> 'object' or m.value = '{}'::jsonb
  ) then
    return null;
  end if;

  -- The usual case, which is told in a fifth of the time that the general one takes.
  v_fields := array(select k.name from jsonb_object_keys(p_members -> 0) as k (name));
  if cardinality(v_fields) = 1 and v_fields[1] not in ('$and', '$or') and not exists (
    select from jsonb_array_elements(p_members) as m
    where case jsonb_typeof(m.value -> v_fields[1])
      when 'object' then
        m.value - v_fields[1] <> '{}'::jsonb
        or not (m.value -> v_fields[1]) ? v_operand_key
        or (m.value -> v_fields[1]) - v_operand_key <> '{}'::jsonb
      else true
    end
  ) then
    return v_fields[1];
  end if;

  if p_operator = '$and' then
    return null;
  end if;

  if exists (
    select from jsonb_array_elements(p_members) as m, jsonb_each(m.value) as f
    group by f.key
    having count(*) <> v_count
  ) then
    return null;
  end if;

  v_varying := array(
    select f.key
    from jsonb_array_elements(p_members) as m, jsonb_each(m.value) as f
    group by f.key
    having count(distinct f.value) > 1
  );

  if cardinality(v_varying) <> 1 or v_varying[1] in ('$and', '$or') then
    return null;
  end if;

  if exists (
    select from jsonb_array_elements(p_members) as m
    where
      jsonb_typeof(m.value -> v_varying[1]) <> 'object'
      or not (m.value -> v_varying[1]) ? v_operand_key
      or (m.value -> v_varying[1]) - v_operand_key <> '{}'::jsonb
  ) then
    return null;
  end if;

  return v_varying[1];
end;
$$;

comment on function parlant_internal.varying_field(text, jsonb) is
'The one field in which the members of $and or $or differ, or NULL.';

revoke all on function parlant_internal.varying_field(text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.varying_field(text, jsonb) to service_role;
