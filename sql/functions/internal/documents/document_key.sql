-- purpose: The key of the advisory lock that stands for a document, whether or not the document exists.
-- p_table: the table, as table_of() gives it
-- p_id:    the document's id
-- returns: the key, or NULL without an id; two documents share a key only if their hashes collide, which
--          costs a wait and nothing else
-- raises:  nothing
create or replace function parlant_internal.document_key(p_table text, p_id text)
returns bigint
language plpgsql
immutable
parallel safe
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return hashtextextended(p_table || '.' || p_id, 0);
end;
$$;

comment on function parlant_internal.document_key(text, text) is
'Key of the advisory lock that stands for a document.';

revoke all on function parlant_internal.document_key(text, text)
from public, anon, authenticated;
grant execute on function parlant_internal.document_key(text, text) to service_role;
