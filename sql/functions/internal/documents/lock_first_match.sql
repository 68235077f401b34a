-- purpose:   Locks the first document, in order of insertion, that a filter matches. Waits for whoever
--            holds it, and looks again if it no longer matches then. A filter that names the id locks
--            that document's key first. Any other filter has to be searched for, and whoever searches
--            waits while holding no other document: what it tried in vain it lets go of. In a batch,
--            which holds others, it does not wait at all.
-- p_table:   the table, which table_of() names
-- p_filters: a Parlant filter
-- p_new_id:  the id that the document is going to get, or NULL if it keeps its own; the keys of both ids
--            are locked then
-- p_any:     whether to pass over matches that others hold, while there are more
-- returns:   the document's id, or NULL if none matches
-- raises:    PD001 invalid filter; 55P03 lock not available, in a batch; PD008 invalid argument
create or replace function parlant_internal.lock_first_match(
  p_table regclass,
  p_filters jsonb,
  p_new_id text default null,
  p_any boolean default false
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
  v_named_id text := parlant_internal.named_id(p_filters);
  v_where text := parlant_internal.compile_filter(p_filters);
  v_new_key bigint := parlant_internal.document_key(p_table::text, p_new_id);
  v_in_batch boolean := coalesce(current_setting('parlant.in_batch', true), '') = 'on';
  v_attempts integer := 0;
  v_first text;
  v_id text;
begin
  if v_named_id is not null then
    perform parlant_internal.lock_keys(
      case
        when p_new_id is null then array[parlant_internal.document_key(p_table::text, v_named_id)]
        else array[parlant_internal.document_key(p_table::text, v_named_id), v_new_key]
      end);

    execute format('select d.id from %s as d where %s for update', p_table, v_where)
    into v_id
    using p_filters;
    if v_id is not null then
      return v_id;
    end if;
  else
    -- Without waiting, because the next match would be waited for while the one before is held. Leaving the
    -- block by an error lets go of what was locked in it.
    begin
      execute format(
        'select d.id from %s as d where %s order by d.seq, d.id limit 1 for update %s',
        p_table, v_where, case when p_any then 'skip locked' else 'nowait' end)
      into v_id
      using p_filters;

      if v_id is null then
        if pg_current_xact_id_if_assigned() is not null then
          raise no_data_found;
        end if;
      elsif
        not v_in_batch and (p_new_id is null or p_new_id = v_id)
        or pg_try_advisory_xact_lock(parlant_internal.document_key(p_table::text, v_id))
        and (p_new_id is null or pg_try_advisory_xact_lock(v_new_key))
      then
        return v_id;
      else
        raise lock_not_available;
      end if;
    exception
      when no_data_found or lock_not_available then
        null;
    end;
  end if;

  loop
    execute format('select d.id from %s as d where %s order by d.seq, d.id limit 1', p_table, v_where)
    into v_first
    using p_filters;

    v_attempts := v_attempts + 1;
    if v_first is null
      or (v_attempts > c_attempts_under_policies and row_security_active(p_table))
    then
      return null;
    end if;

    if v_named_id is null and v_in_batch then
      raise lock_not_available using
        message = 'another call holds the document to write',
        hint = 'Send this call by itself; in a batch it cannot wait.';
    end if;

    begin
      if v_named_id is null and p_new_id is not null then
        perform parlant_internal.lock_keys(array[parlant_internal.document_key(p_table::text, v_first), v_new_key]);
      end if;

      execute format('select d.id from %s as d where d.id = $2 and (%s) for update', p_table, v_where)
      into v_id
      using p_filters, v_first;
      if v_id is not null then
        return v_id;
      end if;

      raise no_data_found;
    exception
      when no_data_found then
        null;
    end;
  end loop;
end;
$$;

comment on function parlant_internal.lock_first_match(regclass, jsonb, text, boolean) is
'Locks the first document that a filter matches and returns its id.';

revoke all on function parlant_internal.lock_first_match(regclass, jsonb, text, boolean)
from public, anon, authenticated;
grant execute on function parlant_internal.lock_first_match(regclass, jsonb, text, boolean)
to service_role;
