-- purpose:     Puts a document among the failed ones, also where the table's sequence is behind its rows, as
--              after an import that brought numbers of its own.
-- p_failed:    the table of failed documents, which failed_table_of() names
-- p_id:        the document's id, or NULL
-- p_data:      the document, or NULL
-- p_reason:    why it failed
-- p_failed_at: when it failed; NULL for now
-- returns:     nothing
-- raises:      PD011 insert suppressed
create or replace function parlant_internal.insert_failed_document(
  p_failed regclass,
  p_id text,
  p_data jsonb,
  p_reason text,
  p_failed_at timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_written integer;
begin
  for v_attempt in 1 .. 2147483647 loop
    execute format(
      'insert into %s (id, data, reason, failed_at) values ($1, $2, $3, coalesce($4, now()))'
      ' on conflict (seq) do nothing', p_failed)
    using p_id, p_data, p_reason, p_failed_at;
    get diagnostics v_written = row_count;
    if v_written = 1 then
      return;
    end if;

    if v_attempt > 2 then
      perform parlant_internal.refuse_suppressed_insert(p_failed);
    end if;

    execute format(
      'select setval(pg_get_serial_sequence($1, ''seq''), max(f.seq)) from %s as f', p_failed)
    using p_failed::text;
  end loop;
end;
$$;

comment on function parlant_internal.insert_failed_document(regclass, text, jsonb, text, timestamptz) is
'Puts a document among the failed ones.';

revoke all on function
parlant_internal.insert_failed_document(regclass, text, jsonb, text, timestamptz)
from public, anon, authenticated;
grant execute on function
parlant_internal.insert_failed_document(regclass, text, jsonb, text, timestamptz) to service_role;
