-- purpose:   The labels of a session, as far as its document holds a list of them.
-- p_session: the session's document
-- returns:   the labels
-- raises:    nothing
create or replace function parlant_internal.labels_of(p_session jsonb)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when jsonb_typeof(p_session -> 'labels') = 'array'
    then array(select l.value from jsonb_array_elements_text(p_session -> 'labels') as l)
    else '{}'
  end
$$;

comment on function parlant_internal.labels_of(jsonb) is
'Labels of a session.';

revoke all on function parlant_internal.labels_of(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.labels_of(jsonb) to service_role;
