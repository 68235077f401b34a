-- purpose: Refuses an argument that is no list, or one that is too long for one call.
-- p_value: the argument
-- p_what:  what is in it, in the plural
-- p_hint:  how to write it
-- p_most:  the most elements that the list may have, or NULL
-- returns: nothing
-- raises:  PD008 invalid argument
create or replace function parlant_internal.require_list(
  p_value jsonb,
  p_what text,
  p_hint text,
  p_most integer default null
)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(jsonb_typeof(p_value), 'null') <> 'array' then
    raise exception using
      errcode = 'PD008',
      message = format('the %s must be a list, got %s', p_what, coalesce(jsonb_typeof(p_value), 'null')),
      hint = p_hint;
  end if;

  if jsonb_array_length(p_value) > p_most then
    raise exception using
      errcode = 'PD008',
      message = format('at most %s %s may be in a call, got %s', p_most, p_what, jsonb_array_length(p_value)),
      hint = 'Make several calls.';
  end if;
end;
$$;

comment on function parlant_internal.require_list(jsonb, text, text, integer) is
'Refuses an argument that is no list.';

revoke all on function parlant_internal.require_list(jsonb, text, text, integer)
from public, anon, authenticated;
grant execute on function parlant_internal.require_list(jsonb, text, text, integer) to service_role;
