-- purpose:    Inserts a document. If one with that id is there, differing in creation_utc at most, nothing
--             is written: Parlant derives ids from content, so a restarted application creates its
--             variables again, and a repeated insert is safe.
-- p_table:    the table, which table_of() names
-- p_document: the document
-- returns:    true if it was inserted, false if it was there
-- raises:     PD002 invalid document, PD003 duplicate document, PD011 insert suppressed
create or replace function parlant_internal.insert_document(p_table regclass, p_document jsonb)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_inserted integer;
  v_stored jsonb;
begin
  for v_attempt in 1 .. 2147483647 loop
    execute format('insert into %s (data) values ($1) on conflict (id) do nothing', p_table)
    using p_document;
    get diagnostics v_inserted = row_count;
    if v_inserted = 1 then
      return true;
    end if;

    execute format('select d.data from %s as d where d.id = $1', p_table)
    into v_stored
    using p_document ->> 'id';

    -- As text, because 1 and 1.0 are equal as jsonb, and what is acknowledged comes back as it was.
    if (v_stored - 'creation_utc')::text = (p_document - 'creation_utc')::text then
      return false;
    end if;

    -- If the stored one has been deleted meanwhile, there is room now; if it is hidden by row level security,
    -- there never is.
    if v_stored is not null or row_security_active(p_table) then
      raise exception using
        errcode = 'PD003',
        message = 'a different document with that id exists',
        hint = 'Nothing was overwritten. Use update_one to change a document, or another id.';
    end if;

    -- Twice in a row, somebody may have deleted it.
    if v_attempt > 2 then
      perform parlant_internal.refuse_suppressed_insert(p_table);
    end if;
  end loop;
end;
$$;

comment on function parlant_internal.insert_document(regclass, jsonb) is
'Inserts a document unless the same is there.';

revoke all on function parlant_internal.insert_document(regclass, jsonb)
from public, anon, authenticated;
grant execute on function parlant_internal.insert_document(regclass, jsonb) to service_role;
