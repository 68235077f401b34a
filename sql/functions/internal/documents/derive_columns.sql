-- purpose:  Trigger of every collection's table: fills the columns from data, the only place that does.
--           A column holds the field's value where that is a string; elsewhere version and creation_utc
--           are '' (Parlant sorts missing as '') and the others NULL. An update that sets such a column, and
--           not the field in data, is refused.
-- returns:  the row to write
-- raises:   PD002 invalid document
create or replace function parlant_internal.derive_columns()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_written record;
  v_sets_columns boolean := false;
  v_lost text;
begin
  if tg_op = 'UPDATE'
    and (new.id, new.version, new.creation_utc, new.session_id, new.customer_id, new.agent_id)
      is distinct from (old.id, old.version, old.creation_utc, old.session_id, old.customer_id, old.agent_id)
  then
    v_sets_columns := true;
    v_written := new;
  end if;

  if coalesce(jsonb_typeof(new.data), 'null') <> 'object' then
    raise exception using
      errcode = 'PD002',
      message = format('a document must be an object, got %s', coalesce(jsonb_typeof(new.data), 'null')),
      hint = 'Send the document itself, not its text.';
  end if;

  if coalesce(jsonb_typeof(new.data -> 'id'), 'null') <> 'string' then
    raise exception using
      errcode = 'PD002',
      message = format(
        'the id of a document must be a string, got %s',
        coalesce(jsonb_typeof(new.data -> 'id'), 'no id')),
      hint = 'Give the document an "id".';
  end if;

  new.id := new.data ->> 'id';
  new.version := case jsonb_typeof(new.data -> 'version')
    when 'string' then new.data ->> 'version' else '' end;
  new.creation_utc := case jsonb_typeof(new.data -> 'creation_utc')
    when 'string' then new.data ->> 'creation_utc' else '' end;
  new.session_id := case jsonb_typeof(new.data -> 'session_id')
    when 'string' then new.data ->> 'session_id' end;
  new.customer_id := case jsonb_typeof(new.data -> 'customer_id')
    when 'string' then new.data ->> 'customer_id' end;
  new.agent_id := case jsonb_typeof(new.data -> 'agent_id')
    when 'string' then new.data ->> 'agent_id' end;

  -- What somebody wrote into such a column would be gone without a word.
  if v_sets_columns then
    select string_agg(w.name, ', ') into v_lost
    from (
      values
      ('id', v_written.id, new.id, old.id),
      ('version', v_written.version, new.version, old.version),
      ('creation_utc', v_written.creation_utc, new.creation_utc, old.creation_utc),
      ('session_id', v_written.session_id, new.session_id, old.session_id),
      ('customer_id', v_written.customer_id, new.customer_id, old.customer_id),
      ('agent_id', v_written.agent_id, new.agent_id, old.agent_id)
    ) as w (name, written, derived, before)
    where w.written is distinct from w.derived and w.written is distinct from w.before;
    if v_lost is not null then
      raise exception using
        errcode = 'PD002',
        message = format('a column that is filled from data cannot be set by itself: %s', v_lost),
        hint = 'Change the field of that name in data; the column follows.';
    end if;
  end if;

  return new;
end;
$$;

comment on function parlant_internal.derive_columns() is
'Fills the columns of a collection''s table from data.';

revoke all on function parlant_internal.derive_columns() from public, anon, authenticated;
