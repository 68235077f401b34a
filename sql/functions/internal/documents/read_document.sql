-- purpose:    Takes a document as the adapter sends it: as an object, or, where only that keeps a float a
--             float (1e22 is an integer to jsonb, 10000000000000000000000.0 is not), as its JSON text.
-- p_document: an object, or a string that holds one
-- returns:    the document
-- raises:     PD002 invalid document
create or replace function parlant_internal.read_document(p_document jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_document jsonb := p_document;
begin
  if jsonb_typeof(p_document) = 'string' then
    begin
      v_document := (p_document #>> '{}')::jsonb;
    exception when invalid_text_representation then
      raise exception using
        errcode = 'PD002',
        message = 'a document must be an object, got text that is not JSON',
        hint = 'Send a JSON object.';
    end;
  end if;

  if coalesce(jsonb_typeof(v_document), 'null') <> 'object' then
    raise exception using
      errcode = 'PD002',
      message = format('a document must be an object, got %s', coalesce(jsonb_typeof(v_document), 'null')),
      hint = 'Send a JSON object.';
  end if;

  return v_document;
end;
$$;

comment on function parlant_internal.read_document(jsonb) is
'Document sent as an object or as its JSON text.';

revoke all on function parlant_internal.read_document(jsonb) from public, anon, authenticated;
grant execute on function parlant_internal.read_document(jsonb) to service_role;
