-- purpose:   Refuses a filter, naming the place inside it.
-- p_path:    keys and positions from the filter's top to the culprit
-- p_message: what is wrong there
-- p_hint:    what to write instead
-- returns:   never
-- raises:    PD001 invalid filter
create or replace function parlant_internal.filter_error(
  p_path text[],
  p_message text,
  p_hint text
)
returns void
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'PD001',
    message = format('invalid filter at %s: %s', 'filter' || coalesce(
      (select string_agg(case when p.step ~ '^[0-9]+$' then format('[%s]', p.step) else format('[%s]', to_json(p.step)) end, '' order by p.position)
        from unnest(p_path) with ordinality as p (step, position)), ''), p_message),
    hint = p_hint;
end;
$$;

comment on function parlant_internal.filter_error(text[], text, text) is
'Raises PD001 with the path inside the filter.';

revoke all on function parlant_internal.filter_error(text[], text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.filter_error(text[], text, text) to service_role;
