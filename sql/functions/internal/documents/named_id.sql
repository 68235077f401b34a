-- purpose:   The id that a filter names, if it matches no document of another id.
-- p_filters: a Parlant filter that compile_filter() accepts
-- returns:   the id, or NULL if the filter has no condition that id equals a string
-- raises:    nothing
create or replace function parlant_internal.named_id(p_filters jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when jsonb_typeof(p_filters #> '{id,$eq}') = 'string' then p_filters #>> '{id,$eq}'
  end;
end;
$$;

comment on function parlant_internal.named_id(jsonb) is
'Id of the only document that a filter can match.';

revoke all on function parlant_internal.named_id(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.named_id(jsonb) to service_role;
