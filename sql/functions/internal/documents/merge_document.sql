-- purpose:   Merges top-level keys into a document that is locked by this transaction, with the keys of both
--            ids if it gets another.
-- p_table:   the table, which table_of() names
-- p_id:      the document's id
-- p_params:  keys and values to set; may hold another id
-- returns:   the document after the merge; NULL if it was not changed
-- raises:    PD002 invalid document, PD003 duplicate document
create or replace function parlant_internal.merge_document(
  p_table regclass,
  p_id text,
  p_params jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb;
  v_taken boolean;
begin
  -- Only a document that gets the id of another can clash, so only that case pays for a savepoint.
  if not p_params ? 'id' or p_params ->> 'id' = p_id then
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
    return v_document;
  end if;

  begin
    execute format(
      'update %s as d set data = d.data || $2 where d.id = $1 returning d.data', p_table)
    into v_document
    using p_id, p_params;
  exception when unique_violation then
    execute format('select exists (select from %s as d where d.id = $1)', p_table)
    into v_taken
    using p_params ->> 'id';

    -- Otherwise it clashes in a unique index that ensure_indexes made.
    if not v_taken then
      raise;
    end if;

    raise exception using
      errcode = 'PD003',
      message = 'another document has the id that this one was to get',
      hint = 'Nothing was changed. Give the document an id of its own.';
  end;

  return v_document;
end;
$$;

comment on function parlant_internal.merge_document(regclass, text, jsonb) is
'Merges top-level keys into a locked document.';

revoke all on function parlant_internal.merge_document(regclass, text, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.merge_document(regclass, text, jsonb) to service_role;
