-- purpose:  Trigger of every collection's table: fills the columns from data, the only place that does.
--           A column holds the field's value where that is a string; elsewhere version and creation_utc
--           are '' (Parlant sorts missing as '') and the others NULL.
-- returns:  the row to write
-- raises:   PD002 invalid document
create or replace function parlant_internal.derive_columns()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
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

  return new;
end;
$$;

comment on function parlant_internal.derive_columns() is
'Fills the columns of a collection''s table from data.';

revoke all on function parlant_internal.derive_columns() from public, anon, authenticated;
