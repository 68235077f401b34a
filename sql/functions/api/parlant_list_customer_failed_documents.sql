-- purpose:           Reads the failed copies of a customer's documents, page by page. A page ends at 500
--                    documents or past 4 MB.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store
-- p_variable_prefix: table prefix of the context variable store
-- p_customer_id:     the customer's id
-- p_collection:      the collection whose failed documents are read
-- p_after:           "next" of the page before, or NULL for the first
-- returns:           {"documents": [{"seq": int, "id": text | null, "version": text | null, "reason": text,
--                    "failed_at": text, "data": {...}}, ...], "next": int | null}
-- raises:            nothing
-- example:           select public.parlant_list_customer_failed_documents(
--                      'parlant_sessions_', 'parlant_customers_', 'parlant_context_variables_', 'c1',
--                      'events');
create or replace function public.parlant_list_customer_failed_documents(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text,
  p_collection text,
  p_after bigint default null
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  c_max_documents constant integer := 500;
  c_max_characters constant integer := 4000000;
  v_table record;
  v_row record;
  v_characters integer := 0;
  v_documents jsonb[] := '{}';
begin
  select t.table_name, t.condition into v_table
  from parlant_internal.personal_tables(p_session_prefix, p_customer_prefix, p_variable_prefix) as t
  where t.is_failed and t.collection = p_collection;
  if v_table.table_name is null then
    return jsonb_build_object('documents', '[]'::jsonb, 'next', null);
  end if;

  for v_row in execute format(
    'select a.seq, a.id, a.data, a.reason, a.failed_at from %s as a'
    ' where %s and a.seq > $3 order by a.seq limit $4',
    v_table.table_name, v_table.condition)
  using
    p_customer_id,
    parlant_internal.sessions_of_customer(p_session_prefix, p_customer_id, null),
    coalesce(p_after, -1),
    c_max_documents + 1
  loop
    if cardinality(v_documents) = c_max_documents or v_characters > c_max_characters then
      return jsonb_build_object('documents', to_jsonb(v_documents), 'next', p_after);
    end if;

    v_documents := v_documents || jsonb_build_object(
      'seq', v_row.seq,
      'id', v_row.id,
      'version', v_row.data ->> 'version',
      'reason', v_row.reason,
      'failed_at', v_row.failed_at,
      'data', v_row.data);
    v_characters := v_characters + coalesce(length(v_row.data::text), 0);
    p_after := v_row.seq;
  end loop;

  return jsonb_build_object('documents', to_jsonb(v_documents), 'next', null);
end;
$$;

comment on function public.parlant_list_customer_failed_documents(text, text, text, text, text, bigint) is
'Failed copies of a customer''s documents, page by page.';

revoke all on function public.parlant_list_customer_failed_documents(text, text, text, text, text, bigint)
from public, anon, authenticated;
grant execute on function public.parlant_list_customer_failed_documents(text, text, text, text, text, bigint)
to service_role;
