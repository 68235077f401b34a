-- purpose:   The labels of a session after some were added and others removed, in the order in which they
--            came.
-- p_labels:  the labels before: a JSON array, or null or NULL for none
-- p_added:   labels to add where they are missing; NULL for none
-- p_removed: labels to remove; NULL for none
-- returns:   JSON array
-- raises:    PD002 invalid document, if the labels before are not a list
create or replace function parlant_internal.changed_labels(
  p_labels jsonb,
  p_added text[],
  p_removed text[]
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := coalesce(jsonb_typeof(p_labels), 'null');
begin
  if v_type not in ('array', 'null') then
    raise exception using
      errcode = 'PD002',
      message = format('the labels of the stored session must be a list, got %s', v_type),
      hint = 'Nothing was changed. Correct the stored session first, with update_one on labels.';
  end if;

  return (
    select coalesce(jsonb_agg(l.label order by l.first), '[]'::jsonb)
    from (
      select
        a.label,
        min(a.position) as first
      from unnest(array(select jsonb_array_elements_text(nullif(p_labels, 'null'))) || p_added)
        with ordinality as a (label, position)
      where a.label <> all (coalesce(p_removed, '{}'))
      group by a.label
    ) as l
  );
end;
$$;

comment on function parlant_internal.changed_labels(jsonb, text[], text[]) is
'Labels of a session after a change.';

revoke all on function parlant_internal.changed_labels(jsonb, text[], text[])
from public, anon, authenticated;
grant execute on function parlant_internal.changed_labels(jsonb, text[], text[]) to service_role;
