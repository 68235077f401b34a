-- purpose:   Locks the first document, in order of insertion, that a filter matches. Waits for whoever
--            holds it, and looks again if it no longer matches then.
-- p_table:   the table, as table_of() gives it
-- p_where:   predicate, as compile_filter() gives it
-- p_filters: the filter that the predicate refers to
-- returns:   the document's id, or NULL if none matches
-- raises:    nothing
create or replace function parlant_internal.lock_first_match(
  p_table text,
  p_where text,
  p_filters jsonb
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Under row level security a document may match and yet never be ours to change.
  c_attempts_under_policies constant integer := 10;
  v_id text;
  v_matches boolean;
  v_attempts integer := 0;
begin
  loop
    execute format(
      'select d.id from %s as d where %s order by d.seq, d.id limit 1 for update', p_table, p_where)
    into v_id
    using p_filters;

    if v_id is not null then
      return v_id;
    end if;

    -- The first match may have been changed or deleted while we waited for its lock. The statement then
    -- yields nothing, though others may match.
    execute format('select exists (select from %s as d where %s)', p_table, p_where)
    into v_matches
    using p_filters;

    v_attempts := v_attempts + 1;
    if not v_matches
      or (v_attempts = c_attempts_under_policies and row_security_active(p_table))
    then
      return null;
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.lock_first_match(text, text, jsonb) is
'Locks the first document that a filter matches and returns its id.';

revoke all on function parlant_internal.lock_first_match(text, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.lock_first_match(text, text, jsonb) to service_role;
