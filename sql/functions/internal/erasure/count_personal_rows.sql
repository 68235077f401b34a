-- purpose:           Counts the rows of a customer or a session, table by table.
-- p_session_prefix:  table prefix of the session store
-- p_customer_prefix: table prefix of the customer store; NULL to leave it out
-- p_variable_prefix: table prefix of the context variable store; NULL to leave it out
-- p_customer_id:     the customer's id, or NULL
-- p_session_ids:     the ids of the sessions
-- returns:           {table name: int, ...}, tables without such rows among them
-- raises:            nothing
create or replace function parlant_internal.count_personal_rows(
  p_session_prefix text,
  p_customer_prefix text,
  p_variable_prefix text,
  p_customer_id text,
  p_session_ids text[]
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table record;
  v_count bigint;
  v_counts jsonb := '{}';
begin
  for v_table in
    select t.table_name, t.condition, parlant_internal.name_of(t.table_name) as name
    from parlant_internal.personal_tables(p_session_prefix, p_customer_prefix, p_variable_prefix) as t
  loop
    execute format('select count(*) from %s as a where %s', v_table.table_name, v_table.condition)
    into v_count
    using p_customer_id, p_session_ids;
    v_counts := v_counts || jsonb_build_object(v_table.name, v_count);
  end loop;

  return v_counts;
end;
$$;

comment on function parlant_internal.count_personal_rows(text, text, text, text, text[]) is
'Number of rows of a customer or a session, by table.';

revoke all on function parlant_internal.count_personal_rows(text, text, text, text, text[])
from public, anon, authenticated;
grant execute on function parlant_internal.count_personal_rows(text, text, text, text, text[])
to service_role;
