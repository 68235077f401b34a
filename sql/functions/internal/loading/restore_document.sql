-- purpose:     Puts one failed document, converted, where it belongs, unless something newer is there.
-- p_table:     the collection's table, which table_of() names
-- p_id:        the failed document's id
-- p_failed:    the document as it failed, or NULL if it is not known
-- p_stayed:    whether it stayed in the collection when it failed
-- p_converted: what the loader has made of it now
-- p_version:   the store's version
-- returns:     'restored', 'replaced', 'settled', 'occupied' or 'deleted', as
--              parlant_restore_failed_documents explains them
-- raises:      PD002 invalid document
create or replace function parlant_internal.restore_document(
  p_table regclass,
  p_id text,
  p_failed jsonb,
  p_stayed boolean,
  p_converted jsonb,
  p_version text
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored jsonb;
  v_written integer;
begin
  execute format('select d.data from %s as d where d.id = $1 for update', p_table)
  into v_stored
  using p_id;

  if v_stored is null and p_stayed then
    return 'deleted';
  end if;

  if v_stored = p_converted or (p_stayed and v_stored ->> 'version' = p_version) then
    return 'settled';
  end if;

  -- A failed document whose data is NULL tells nothing about the stored one.
  if v_stored is not null and v_stored is distinct from p_failed then
    return 'occupied';
  end if;

  -- Another document may have the id, or be the same by a unique index.
  begin
    if v_stored is null then
      execute format('insert into %s (data) values ($1)', p_table)
      using p_converted;
      return 'restored';
    end if;

    execute format('update %s as d set data = $2 where d.id = $1', p_table)
    using p_id, p_converted;
    get diagnostics v_written = row_count;
    -- Row level security may let the caller lock a document and not change it.
    return case when v_written = 1 then 'replaced' else 'occupied' end;
  exception when unique_violation then
    return 'occupied';
  end;
end;
$$;

comment on function parlant_internal.restore_document(regclass, text, jsonb, boolean, jsonb, text) is
'Puts one failed document, converted, where it belongs.';

revoke all on function
parlant_internal.restore_document(regclass, text, jsonb, boolean, jsonb, text)
from public, anon, authenticated;
grant execute on function
parlant_internal.restore_document(regclass, text, jsonb, boolean, jsonb, text) to service_role;
