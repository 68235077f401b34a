-- purpose:    Inserts a document unless one with its id is there.
-- p_table:    the table, which table_of() names
-- p_document: the document
-- p_replace:  whether it takes the place of a different one
-- returns:    'inserted'; 'unchanged' if it is there, exactly as it is; 'replaced' or, without p_replace,
--             'different' if another one has its id
-- raises:     PD002 invalid document, PD011 insert suppressed
create or replace function parlant_internal.import_document(
  p_table regclass,
  p_document jsonb,
  p_replace boolean
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_written integer;
  v_stored jsonb;
begin
  for v_attempt in 1 .. 2147483647 loop
    execute format('insert into %s (data) values ($1) on conflict (id) do nothing', p_table)
    using p_document;
    get diagnostics v_written = row_count;
    if v_written = 1 then
      return 'inserted';
    end if;

    execute format('select d.data from %s as d where d.id = $1', p_table)
    into v_stored
    using p_document ->> 'id';

    -- As text, because 1 and 1.0 are equal as jsonb, and what counts as there comes back as it was.
    if v_stored::text = p_document::text then
      return 'unchanged';
    end if;

    -- One that is not seen has been deleted meanwhile, so there is room now, or is hidden by row level
    -- security.
    if not p_replace and (v_stored is not null or row_security_active(p_table)) then
      return 'different';
    end if;

    if p_replace then
      execute format('update %s as d set data = $2 where d.id = $1', p_table)
      using p_document ->> 'id', p_document;
      get diagnostics v_written = row_count;
      if v_written = 1 then
        return 'replaced';
      elsif row_security_active(p_table) then
        return 'different';
      end if;
    end if;

    -- Twice in a row, somebody may have deleted it.
    if v_stored is null and v_attempt > 2 then
      perform parlant_internal.refuse_suppressed_insert(p_table);
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.import_document(regclass, jsonb, boolean) is
'Inserts a document unless one with its id is there.';

revoke all on function parlant_internal.import_document(regclass, jsonb, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.import_document(regclass, jsonb, boolean) to service_role;
