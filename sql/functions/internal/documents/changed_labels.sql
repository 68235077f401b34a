-- purpose:   The labels of a session after some were added and others removed, in the order in which they
--            came.
-- p_labels:  JSON array of the labels before, or NULL
-- p_added:   labels to add where they are missing
-- p_removed: labels to remove
-- returns:   JSON array
-- raises:    nothing
create or replace function parlant_internal.changed_labels(
  p_labels jsonb,
  p_added text[],
  p_removed text[]
)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(l.label order by l.first), '[]'::jsonb)
  from (
    select
      a.label,
      min(a.position) as first
    from unnest(array(select jsonb_array_elements_text(p_labels)) || p_added)
      with ordinality as a (label, position)
    where a.label <> all (p_removed)
    group by a.label
  ) as l
$$;

comment on function parlant_internal.changed_labels(jsonb, text[], text[]) is
'Labels of a session after a change.';

revoke all on function parlant_internal.changed_labels(jsonb, text[], text[])
from public, anon, authenticated;
grant execute on function parlant_internal.changed_labels(jsonb, text[], text[]) to service_role;
